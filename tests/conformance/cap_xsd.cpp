#include "server/cap/table.hpp"
#include "tests/conformance/cap_mutate.hpp"
#include "tests/conformance/cap_reference.hpp"

#include <doctest/doctest.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

/// Our table of elements against the OASIS schema, as libxml2 reads it: same messages refused.
namespace tocsin::cap {
namespace {

class Oracle {
public:
    explicit Oracle(const std::string& xsd) {
        reference::silence();
        const std::unique_ptr<xmlSchemaParserCtxt, void (*)(xmlSchemaParserCtxt*)> parser(
            xmlSchemaNewMemParserCtxt(xsd.data(), static_cast<int>(xsd.size())),
            xmlSchemaFreeParserCtxt);
        schema_.reset(xmlSchemaParse(parser.get()), xmlSchemaFree);
        if (!schema_) throw std::runtime_error("the schema cannot be read");
    }

    struct Verdict {
        bool parsed, valid;
        std::string first;
        bool cap_in_signature = false;
    };

    Verdict judge(const std::string& bytes) const {
        const std::unique_ptr<xmlDoc, void (*)(xmlDoc*)> doc(
            xmlReadMemory(bytes.data(), static_cast<int>(bytes.size()), nullptr, nullptr,
                          XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING),
            xmlFreeDoc);
        if (!doc) return {false, false, "", false};
        const std::unique_ptr<xmlSchemaValidCtxt, void (*)(xmlSchemaValidCtxt*)> context(
            xmlSchemaNewValidCtxt(schema_.get()), xmlSchemaFreeValidCtxt);
        std::string first;
        xmlSchemaSetValidStructuredErrors(
            context.get(),
            [](void* user, xmlError* error) {
                auto& said = *static_cast<std::string*>(user);
                if (said.empty() && error->message) said = error->message;
            },
            &first);
        const bool valid = xmlSchemaValidateDoc(context.get(), doc.get()) == 0;
        return {true, valid, first, cap_in_signature(xmlDocGetRootElement(doc.get()), false)};
    }

private:
    static bool cap_in_signature(const xmlNode* node, bool inside) {
        const auto is = [&](std::string_view uri) {
            return node->ns && uri == reinterpret_cast<const char*>(node->ns->href);
        };
        if (inside && is(cap_namespace)) return true;
        for (auto at = node->children; at; at = at->next)
            if (at->type == XML_ELEMENT_NODE &&
                cap_in_signature(at, inside || is(signature_namespace)))
                return true;
        return false;
    }

    std::shared_ptr<xmlSchema> schema_;
};

/// What the schema knows as well: structure, types, words, the root.
bool structurally_wrong(const Judged& judged) {
    return std::ranges::any_of(judged.violations, [](const Violation& v) {
        return v.rule == "xsd" || v.rule == "root" || v.rule == "not-well-formed" ||
               v.rule == "bad-encoding";
    });
}

bool breaks(const Judged& judged, std::string_view rule) {
    return std::ranges::any_of(judged.violations,
                               [&](const Violation& v) { return v.rule == rule; });
}

/// Differences that are right as they are.
bool argued(const Judged& judged, const Oracle::Verdict& oracle) {
    // A limit stops the reading: what comes after it is not judged.
    for (const auto& v : judged.violations)
        if (v.rule.starts_with("limit-") || v.rule == "doctype") return true;
    // The schema puts the signature last; libxml2 2.9 accepts it earlier, or complains of the
    // element after it. We say signature-position, and nothing of the order.
    if (breaks(judged, "signature-position")) return true;
    // A CAP element inside a signature: the schema looks into it, to us a signature is opaque.
    return oracle.cap_in_signature;
}

class Comparison {
public:
    Comparison(const Oracle& oracle) : oracle_(oracle) {}

    void compare(const std::string& bytes, const std::string& how) {
        const auto oracle = oracle_.judge(bytes);
        if (!oracle.parsed) return;
        const auto ours = judge(bytes);
        ++compared_;
        refused_ += !oracle.valid;
        if (oracle.valid == !structurally_wrong(ours) || argued(ours, oracle)) return;
        if (++differ_ > 10) return;
        std::string said;
        for (const auto& v : ours.violations)
            said += fmt::format("\n    {} {} {}", v.line, v.rule, v.message);
        FAIL_CHECK(how, ": the schema says ", oracle.valid ? "valid" : oracle.first, ", we say ",
                   said, "\n", bytes.substr(0, 6000));
    }

    std::size_t compared_ = 0, refused_ = 0, differ_ = 0;

private:
    const Oracle& oracle_;
};

TEST_CASE("the corpus is structurally right or wrong as the OASIS schema says") {
    const auto folder = reference::folder();
    if (!folder) return;
    const Oracle oracle(reference::read(*folder + "/cap/schema/CAP-v1.2.xsd"));
    Comparison all(oracle);
    for (const auto& row : reference::manifest(*folder))
        all.compare(reference::read(*folder + "/cap/" + row.at("path")), row.at("path"));
    CHECK(all.compared_ > 300);
    CHECK(all.differ_ == 0);
    MESSAGE(all.compared_, " compared, ", all.refused_, " refused by the schema");
}

TEST_CASE("messages changed at random are structurally right or wrong as the OASIS schema says") {
    const auto folder = reference::folder();
    if (!folder) return;
    const Oracle oracle(reference::read(*folder + "/cap/schema/CAP-v1.2.xsd"));
    std::vector<std::pair<std::string, std::string>> seeds;
    for (const auto& row : reference::manifest(*folder)) {
        auto bytes = reference::read(*folder + "/cap/" + row.at("path"));
        if (row.at("verdict") != "invalid" && bytes.size() < 12000)
            seeds.emplace_back(row.at("path"), std::move(bytes));
    }
    REQUIRE(seeds.size() > 50);
    const char* said = std::getenv("TOCSIN_SEED");
    const std::uint64_t seed = said ? std::stoull(said) : 20260721;
    reference::Random random(seed);
    Comparison all(oracle);
    for (int round = 0; round < 8000; ++round) {
        const auto& [path, bytes] = seeds[reference::pick(random, seeds.size())];
        reference::Mutator mutator(bytes);
        std::string how = fmt::format("seed {} round {}, {}", seed, round, path);
        for (auto left = 1 + reference::pick(random, 3) / 2; left > 0; --left)
            how += ", " + mutator.mutate(random);
        all.compare(mutator.bytes(), how);
    }
    CHECK(all.refused_ > 2000);
    CHECK(all.compared_ - all.refused_ > 1000);
    CHECK(all.differ_ == 0);
    MESSAGE("seed ", seed, ": ", all.compared_, " compared, ", all.refused_,
            " refused by the schema, ", all.differ_, " differ");
}

}  // namespace
}  // namespace tocsin::cap
