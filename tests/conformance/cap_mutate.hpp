#pragma once
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

struct _xmlDoc;
struct _xmlNode;

/// Makes wrong messages out of right ones, the same ones for the same seed.
namespace tocsin::reference {

using Random = std::mt19937_64;

std::size_t pick(Random& random, std::size_t below);

/// A message as a tree of libxml2, changed element by element.
class Mutator {
public:
    explicit Mutator(std::string_view bytes);
    /// One change: an element dropped, doubled, moved, renamed, put into another namespace; a value
    /// replaced; an attribute, text or markup added. Says what it did.
    std::string mutate(Random& random);
    std::string bytes() const;

private:
    _xmlNode* any_element(Random& random) const;
    std::string change_value(_xmlNode* node, Random& random);

    std::shared_ptr<_xmlDoc> doc_;
};

/// Bytes flipped, cut out, repeated, swapped, or replaced by what parsers hate.
std::string spoil(std::string_view bytes, Random& random);

}  // namespace tocsin::reference
