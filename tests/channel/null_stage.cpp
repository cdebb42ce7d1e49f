#include "tests/channel/stage.hpp"

namespace tocsin::conformance {
namespace {

constexpr std::string_view nowhere = "it leads nowhere: there is no peer";

/// Proves that orders come and evidence goes; there is nobody to misbehave.
class NullStage final : public Stage {
public:
    std::vector<Unplayed> unplayed() const override {
        std::vector<Unplayed> out;
        for (std::size_t row = 0; row < std::size(row_names); ++row)
            out.push_back({Row(row), nowhere});
        return out;
    }
    std::string settings() const override { return ""; }
};

const Stands here{"null", [] { return std::unique_ptr<Stage>(new NullStage); }};

}  // namespace
}  // namespace tocsin::conformance
