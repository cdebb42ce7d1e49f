#include "server/contract/cells_file.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" void tocsin_fuzz_seeds(std::vector<std::string>& seeds) {
    seeds = {"460-00-1001-101,116.397128,39.916527,30,65,450,gsm,bsc-1\n",
             "460-00-26542081,116.4,39.9,,360,2000,4G,\"mme-1\"\r\n460-000-7,1,2,3,4,5,nr,b\n",
             "umts:460-01-65533-65535", "nr:460-11-68719476735", "460-00-1-1"};
}

/// Whatever an operator exports: it is read or refused, and what is read is written as it was read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tocsin::contract;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto* head : {"", "cgi,lon,lat,azimuth,beam,range_m,technology,bsc\n"}) {
        auto cells = parse_cells(std::string(head).append(bytes));
        for (const auto& row : cells.rows)
            if (!cell_of(row.cgi) || row.bsc >= cells.bscs.size()) std::abort();
        if (cells.faulty > 0) continue;
        const auto again = parse_cells(cells_csv(cells));
        if (again.faulty > 0 || again.rows.size() != cells.rows.size()) std::abort();
        for (std::size_t i = 0; i < cells.rows.size(); ++i)
            if (again.rows[i].cgi != cells.rows[i].cgi || again.rows[i].lon != cells.rows[i].lon ||
                again.bscs[again.rows[i].bsc] != cells.bscs[cells.rows[i].bsc])
                std::abort();
    }
    if (const auto cell = parse_cell(bytes)) {
        const auto again = parse_cell(to_text(*cell));
        if (!again || *again != *cell) std::abort();
    }
    return 0;
}
