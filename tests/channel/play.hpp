#pragma once
#include "tests/channel/line.hpp"

/// One row for each channel that plays it: a fresh stage and line, and at the end the check of
/// everything that no channel may ever do.
namespace tocsin::conformance {

struct Play {
    Play(const Listed& listed, Manner manner);
    ~Play();

    /// Waits for the link as well; a failed check ends the row.
    void begin();
    bool has(Row row) const { return plays(*stage, row); }
    std::vector<Got> got_of(OrderId id) const;
    std::vector<std::string> shown_of(OrderId id) const;
    /// Carries it and waits until the channel proved all that it can.
    bool carried(const Wish& wish);
    /// What proves that it was taken back: words that arrived, or that it is gone.
    bool taken_back(OrderId id);
    /// Evidence that is no grade and has the peer's own words, if it has any.
    bool told_by_peer(OrderId id, Manner manner) const;

    const Listed& listed;
    const Capabilities& can;
    std::unique_ptr<Stage> stage;
    Line line;
};

using Scene = std::function<void(Play&)>;
void each(Manner manner, const Scene& scene);
void each(Row row, Manner manner, const Scene& scene);

inline constexpr OrderId flood{7, 1}, flood_again{7, 2}, storm{8, 1};

}  // namespace tocsin::conformance

#include <doctest/doctest.h>

namespace doctest {
template <class T> struct StringMaker<std::optional<T>> {
    static String convert(const std::optional<T>& value);
};
template <>
inline String StringMaker<std::optional<tocsin::contract::Said>>::convert(
    const std::optional<tocsin::contract::Said>& value) {
    return value ? tocsin::conformance::name(*value).c_str() : "nothing";
}
}  // namespace doctest
