#include "server/api/places.hpp"

#include <doctest/doctest.h>

using namespace tocsin;
using namespace tocsin::api;

namespace {

long line_of(std::string_view document, std::string element) {
    std::vector<cap::Violation> one{{"r", cap::Weight::error, 0, std::move(element), "m"}};
    find_lines(document, one);
    return one[0].line;
}

constexpr std::string_view document = R"(<?xml version="1.0"?>
<!-- <info> is no tag here -->
<c:alert xmlns:c="x"
  a=">">
  <c:sent>now</c:sent><c:note/>
  <c:info>
    <c:event><![CDATA[</c:info><c:info>]]></c:event>
  </c:info>
  <c:info
     b='"'>
    <c:area><c:geocode>1</c:geocode>
      <c:geocode>2</c:geocode></c:area>
  </c:info>
</c:alert>
)";

}  // namespace

TEST_CASE("a rule that knows no line gets that of its element, or of the nearest around it") {
    struct Row {
        const char* element;
        long line;
    };
    const Row rows[] = {{"alert", 3},
                        {"alert/sent", 5},
                        {"alert/note[1]", 5},
                        {"alert/info[1]", 6},
                        {"alert/info[1]/event", 7},
                        {"alert/info[2]", 9},
                        {"alert/info[2]/area[1]/geocode[2]", 12},
                        {"alert/info[2]/area[1]/geocode[3]", 11},
                        {"alert/info[2]/instruction", 9},
                        {"alert/info[3]/expires", 3},
                        {"alert/references", 3},
                        {"", 0},
                        {"/", 0},
                        {"else", 0}};
    for (const auto& row : rows) {
        CAPTURE(row.element);
        CHECK(line_of(document, row.element) == row.line);
    }
}

TEST_CASE("lines that are known stay, and what is no text or breaks off does no harm") {
    std::vector<cap::Violation> said{{"r", cap::Weight::error, 99, "alert/info[1]", "m"},
                                     {"r", cap::Weight::warning, 0, "alert/info[1]", "m"},
                                     {"r", cap::Weight::warning, 0, "alert/info[1]", "again"}};
    find_lines(document, said);
    CHECK(said[0].line == 99);
    CHECK(said[1].line == 6);
    CHECK(said[2].line == 6);
    CHECK(line_of(std::string_view("<\0a\0", 4), "alert") == 0);  // UTF-16
    for (std::size_t cut = 0; cut <= document.size(); ++cut)
        CHECK(line_of(document.substr(0, cut), "alert/info[2]/area[1]") <= 11);
    CHECK(line_of("</a></b><alert></alert></x>", "alert") == 1);
}
