#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

/// Drives a fuzz target where there is no libFuzzer: PROGRAM [RUNS] [SEED] [FILE...]. Bodies are random
/// bytes, small numbers, or earlier bodies with a few bytes changed, cut, doubled. Files are run as
/// they are. The sanitizers, and the target's own checks, say what is wrong.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
/// Bodies worth beginning with; a target may define it.
extern "C" __attribute__((weak)) void tocsin_fuzz_seeds(std::vector<std::string>& seeds);

namespace {

using Random = std::mt19937_64;

std::string fresh(Random& random) {
    std::string body(random() % 300, '\0');
    const bool small = random() % 2 == 0;
    for (auto& byte : body) byte = char(small && random() % 4 != 0 ? random() % 5 : random());
    return body;
}

void mutate(std::string& body, Random& random) {
    for (auto times = 1 + random() % 4; times > 0; --times) {
        if (body.empty()) body.push_back(char(random()));
        const auto at = random() % body.size();
        switch (random() % 6) {
            case 0: body[at] = char(random()); break;
            case 1: body[at] = char(body[at] ^ (1 << random() % 8)); break;
            case 2: body.resize(at); break;
            case 3: body.insert(at, body.substr(random() % body.size(), random() % 40)); break;
            case 4: body.erase(at, random() % 8); break;
            default: body[at] = random() % 2 ? char(0xff) : char(0); break;
        }
    }
    if (body.size() > 100'000) body.resize(100'000);
}

bool run_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::fprintf(stderr, "%s: cannot be read\n", path), false;
    const std::string body{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(body.data()), body.size());
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    const auto runs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000ULL;
    const auto seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1ULL;
    for (int i = 3; i < argc; ++i)
        if (!run_file(argv[i])) return 2;

    Random random(seed);
    std::vector<std::string> bodies;
    if (tocsin_fuzz_seeds) tocsin_fuzz_seeds(bodies);
    const auto keep = bodies.size();
    for (unsigned long long i = 0; i < runs; ++i) {
        std::string body =
            bodies.empty() || random() % 8 == 0 ? fresh(random) : bodies[random() % bodies.size()];
        mutate(body, random);
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(body.data()), body.size());
        if (random() % 64 != 0) continue;
        if (bodies.size() < keep + 200)
            bodies.push_back(std::move(body));
        else
            bodies[keep + random() % 200] = std::move(body);
    }
    std::printf("%llu runs, seed %llu, nothing found\n", runs, seed);
}
