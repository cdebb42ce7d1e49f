#include "server/api/problem.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace tocsin::api;

namespace {

/// Every name that problem() is called with in the sources beside this test (tests run in the source
/// folder).
std::vector<std::string> names_in_use() {
    std::vector<std::string> out;
    constexpr std::string_view call = "problem(";
    for (const auto& entry : std::filesystem::directory_iterator("server/api")) {
        if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
        if (entry.path().string().ends_with("_test.cpp")) continue;
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        for (auto at = text.find(call); at != text.npos; at = text.find(call, at + 1)) {
            const auto quote = text.find_first_not_of(" \n", at + call.size());
            if (quote == text.npos || text[quote] != '"') continue;
            out.push_back(text.substr(quote + 1, text.find('"', quote + 1) - quote - 1));
        }
    }
    return out;
}

}  // namespace

TEST_CASE("each problem that the API names has its status and title") {
    const auto names = names_in_use();
    REQUIRE(names.size() > 30);
    for (const auto& name : names) {
        CAPTURE(name);
        CHECK(std::ranges::count(problem_types(), name, &ProblemType::type) == 1);
        const auto made = problem(name, "why");
        CHECK(made.type == name);
        CHECK(made.status >= 400);
        CHECK(!made.title.empty());
        CHECK(made.detail == "why");
    }
}
