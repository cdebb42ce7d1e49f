#include "server/api/problem.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

using namespace tocsin::api;

namespace {

/// Every name that problem() is called with in the sources beside this test (tests run in the source
/// folder).
std::vector<std::string> names_in_use() {
    std::vector<std::string> out;
    const std::regex call(R"re(\bproblem\(\s*"([^"]*)")re");
    for (const auto& entry : std::filesystem::directory_iterator("server/api")) {
        if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at)
            out.push_back((*at)[1]);
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
