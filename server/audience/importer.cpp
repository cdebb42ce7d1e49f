#include "server/audience/importer.hpp"

#include "server/audience/language.hpp"

#include <algorithm>
#include <limits>

namespace tocsin::audience {
namespace {

constexpr std::string_view column_names[] = {"number", "region",  "language",
                                             "role",   "opt_out", "name"};
constexpr std::size_t absent = std::numeric_limits<std::size_t>::max();
constexpr std::size_t rejected_max = 100, languages_max = 250, name_bytes_max = 200;

struct Words {
    const char *word, *sentence;
};
constexpr Words words[flaws] = {
    {"columns", "not as many fields as the header"},
    {"quotes", "quotes that are not closed, or something beside them"},
    {"too-long", "longer than 64 KiB"},
    {"number-empty", "no number"},
    {"number-form", "no telephone number"},
    {"number-not-mobile", "no mobile number; foreign ones begin with +"},
    {"number-country", "no such country code"},
    {"number-invalid", "no number of that country"},
    {"number-skipped", "a machine's number, by the list of those to skip"},
    {"region-unknown", "no such region"},
    {"language-form", "no BCP 47 language tag, or too many different ones"},
    {"role-unknown", "the role is public or responsible"},
    {"opt-out-form", "opt_out is true or false, 1 or 0, yes or no"},
    {"name-form", "the name is too long or not UTF-8"},
};

Flaw flaw_of(NumberFlaw flaw) {
    switch (flaw) {
        case NumberFlaw::empty: return Flaw::number_empty;
        case NumberFlaw::not_mobile: return Flaw::number_not_mobile;
        case NumberFlaw::country: return Flaw::number_country;
        case NumberFlaw::invalid: return Flaw::number_invalid;
        case NumberFlaw::form:
        case NumberFlaw::none: break;
    }
    return Flaw::number_form;
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

std::string lowered(std::string_view text) {
    std::string low(text);
    for (auto& c : low)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return low;
}

std::optional<bool> truth(std::string_view text) {
    if (text.empty()) return false;
    const auto low = lowered(text);
    if (low == "true" || low == "1" || low == "yes") return true;
    if (low == "false" || low == "0" || low == "no") return false;
    return std::nullopt;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t more = lead < 0x80   ? 0
                                 : lead < 0xc2 ? 9
                                 : lead < 0xe0 ? 1
                                 : lead < 0xf0 ? 2
                                 : lead < 0xf5 ? 3
                                               : 9;
        if (i + more >= text.size()) return false;
        for (std::size_t j = 1; j <= more; ++j) {
            const auto next = static_cast<unsigned char>(text[i + j]);
            const unsigned char least = j > 1          ? 0x80
                                        : lead == 0xe0 ? 0xa0
                                        : lead == 0xf0 ? 0x90
                                                       : 0x80;
            const unsigned char most = j > 1          ? 0xbf
                                       : lead == 0xed ? 0x9f
                                       : lead == 0xf4 ? 0x8f
                                                      : 0xbf;
            if (next < least || next > most) return false;
        }
        i += more + 1;
    }
    return true;
}

}  // namespace

const char* word(Flaw flaw) { return words[static_cast<std::size_t>(flaw)].word; }
const char* sentence(Flaw flaw) { return words[static_cast<std::size_t>(flaw)].sentence; }

std::optional<std::size_t> Importer::Words::find(const std::string& text) {
    if (text == last && !all.empty()) return last_id;
    const auto found = known.find(text);
    if (found == known.end()) return std::nullopt;
    last = text;
    return last_id = found->second;
}

std::size_t Importer::Words::add(const std::string& written, std::string text) {
    const auto same = std::ranges::find(all, text);
    const auto id = static_cast<std::size_t>(same - all.begin());
    if (same == all.end()) all.push_back(std::move(text));
    known.emplace(written, id);
    return id;
}

Importer::Importer(Options options)
    : options_(std::move(options)), records_([this](const Record& record) { take(record); }) {
    at_.fill(absent);
}

Result<void> Importer::feed(std::string_view chunk) {
    if (!fault_) records_.feed(chunk);
    if (fault_) return *fault_;
    return {};
}

Result<Imported> Importer::finish() {
    if (!fault_) records_.finish();
    if (!fault_ && width_ == 0)
        fault_ = Fault{Cause::malformed, "the file is empty: a header line is missing"};
    if (fault_) return *fault_;
    Imported imported;
    group(imported);
    imported.rejected = std::move(rejected_);
    imported.counts = counts_;
    return imported;
}

void Importer::take(const Record& record) {
    if (fault_) return;
    const auto& fields = record.fields;
    if (record.broken == Broken::no && fields.size() == 1 && trimmed(fields[0]).empty()) return;
    if (width_ == 0) return take_header(record);
    ++counts_.rows;
    if (record.broken == Broken::quotes) return reject(record, Flaw::quotes);
    if (record.broken == Broken::too_long) return reject(record, Flaw::too_long);
    if (fields.size() != width_) return reject(record, Flaw::columns);
    take_row(record);
}

void Importer::take_header(const Record& record) {
    const auto wrong = [&](std::string what) {
        fault_ = Fault{Cause::malformed, fmt::format("line {}: {}", record.line, what)};
    };
    if (record.broken != Broken::no) return wrong("the header line is broken");
    for (std::size_t i = 0; i < record.fields.size(); ++i) {
        const auto given = lowered(trimmed(record.fields[i]));
        if (given.find('\0') != given.npos || !is_utf8(given))
            return wrong("the header is not UTF-8; save the table as CSV in UTF-8");
        const auto known = std::ranges::find(column_names, given);
        if (known == std::end(column_names))
            return wrong(fmt::format("no column is called \"{}\"; there are {}",
                                     given.substr(0, 40), fmt::join(column_names, ", ")));
        auto& at = at_[static_cast<std::size_t>(known - std::begin(column_names))];
        if (at != absent) return wrong(fmt::format("the column {} is there twice", given));
        at = i;
    }
    for (const auto needed : {number, region})
        if (at_[needed] == absent)
            return wrong(fmt::format("the column {} is missing", column_names[needed]));
    width_ = record.fields.size();
    records_.expect_columns(width_);
}

void Importer::take_row(const Record& record) {
    Row row{};
    if (const auto flaw = read(record.fields, row)) return reject(record, *flaw);
    row.order = static_cast<std::uint32_t>(rows_.size());
    if (const auto given = trimmed(field(record.fields, name));
        (row.marks & responsible_mark) && !given.empty())
        names_.emplace(row.order, given);
    rows_.push_back(row);
    ++counts_.accepted;
}

std::optional<Flaw> Importer::read(std::span<const std::string_view> fields, Row& row) {
    const auto normal = normalised(trimmed(field(fields, number)));
    if (normal.flaw != NumberFlaw::none) return flaw_of(normal.flaw);
    if (is_skipped(normal.e164)) return Flaw::number_skipped;
    row.number = normal.e164;
    const auto place = region_of(trimmed(field(fields, region)));
    if (!place) return Flaw::region;
    row.region = static_cast<std::uint16_t>(*place);
    const auto tongue = language_of(trimmed(field(fields, language)));
    if (!tongue) return Flaw::language;
    row.language = static_cast<std::uint8_t>(*tongue);
    const auto part = trimmed(field(fields, role));
    if (part == "responsible")
        row.marks |= responsible_mark;
    else if (!part.empty() && part != "public")
        return Flaw::role;
    const auto out = truth(trimmed(field(fields, opt_out)));
    if (!out) return Flaw::opt_out;
    if (*out) row.marks |= opted_out_mark;
    // Names of the public are not kept, so theirs may be what they like.
    const auto called = field(fields, name);
    if ((row.marks & responsible_mark) && (called.size() > name_bytes_max || !is_utf8(called)))
        return Flaw::name;
    return std::nullopt;
}

/// The file's codes without the zeros that fill them, so that one region is not two.
std::optional<std::size_t> Importer::region_of(std::string_view text) {
    scratch_ = text;
    if (const auto id = regions_.find(scratch_)) return id;
    if (text.empty() || !options_.region_exists || !options_.region_exists(text))
        return std::nullopt;
    for (const std::size_t size : {12u, 9u})
        if (text.size() == size && text.ends_with("000")) text.remove_suffix(3);
    if (regions_.all.size() > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    return regions_.add(scratch_, std::string(text));
}

std::optional<std::size_t> Importer::language_of(std::string_view text) {
    scratch_ = text;
    if (const auto id = languages_.find(scratch_)) return id;
    auto tag = text.empty() ? options_.language : language_tag(text);
    if (tag.empty() || languages_.all.size() >= languages_max) return std::nullopt;
    return languages_.add(scratch_, std::move(tag));
}

bool Importer::is_skipped(std::uint64_t e164) const {
    if (options_.skip.empty()) return false;
    const auto digits = std::to_string(e164);
    return std::ranges::any_of(options_.skip,
                               [&](const auto& start) { return digits.starts_with(start); });
}

void Importer::reject(const Record& record, Flaw flaw) {
    ++counts_.rejected;
    ++counts_.by_flaw[static_cast<std::size_t>(flaw)];
    if (rejected_.size() >= rejected_max) return;
    const bool whole = record.broken == Broken::no && at_[number] < record.fields.size();
    rejected_.push_back({record.line, flaw, whole ? masked(record.fields[at_[number]]) : ""});
}

std::string_view Importer::field(std::span<const std::string_view> fields, Column column) const {
    return at_[column] == absent ? std::string_view{} : fields[at_[column]];
}

}  // namespace tocsin::audience
