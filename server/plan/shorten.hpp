#pragma once
#include "server/plan/measure.hpp"
#include "server/plan/mustache.hpp"
#include "server/plan/naming.hpp"

#include <array>

/// Fits one text into a budget: says all, then less and less, by whole names, whole sentences and
/// prepared shorter words. Level, time and issuer never go, and an instruction is never cut.
namespace tocsin::plan {

/// What may stand in for the full words.
struct Shorter {
    std::array<AreaNames, 3> areas;  // by Naming
    std::string sender, advice, event;
};

class Shortener {
public:
    using Mark = std::function<std::string(std::string)>;
    Shortener(const Mustache& mustache,
              const Language& language,
              Fields whole,
              Shorter shorter,
              Mark mark)
        : mustache_(mustache),
          language_(language),
          whole_(std::move(whole)),
          shorter_(std::move(shorter)),
          mark_(std::move(mark)) {}

    struct Text {
        std::string words, lost;  // what was left out, for people
    };
    struct Step;
    /// Nothing if even the least is too long.
    std::optional<Text> into(const contract::Budget& budget) const;

private:
    struct Fewer {
        Fields fields;
        std::string lost;
    };
    Fewer take(const Step& step) const;
    std::optional<Text> with_fewer_sentences(const contract::Budget& budget, Fewer fewer) const;
    std::string render(const Fields& fields) const { return mark_(mustache_.render(fields)); }
    bool uses(const std::string& name) const { return mustache_.names().contains(name); }

    const Mustache& mustache_;
    const Language& language_;
    Fields whole_;
    Shorter shorter_;
    Mark mark_;
};

}  // namespace tocsin::plan
