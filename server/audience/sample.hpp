#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::audience {

/// An audience of people who do not exist, as CSV with a header; the same seed gives the same bytes.
/// China reserves no numbers for fiction, so they begin with 154 and 164: prefixes that the numbering
/// plan has assigned to no operator, hence nobody's, and of the network "other". Two in a hundred are
/// listed in two regions (so there are a few more rows than people), three speak English, one has
/// opted out; one in a thousand is responsible and has a name that says it is a sample.
/// `write` gets pieces of some 64 KiB.
void make_sample(std::uint64_t people,
                 std::uint64_t seed,
                 const std::vector<std::string>& regions,
                 const std::function<void(std::string_view)>& write);
std::string make_sample(std::uint64_t people,
                        std::uint64_t seed,
                        const std::vector<std::string>& regions);

inline constexpr std::uint64_t sample_people_max = 200'000'000;

}  // namespace tocsin::audience
