#pragma once
#include "server/area/atlas.hpp"
#include "server/authority/authority.hpp"

namespace tocsin::authority {

inline Places places_of(std::shared_ptr<const area::Atlas> atlas) {
    return {[atlas](std::string_view inner, std::string_view outer) {
                return atlas->within(inner, outer);
            },
            [atlas](std::string_view a, std::string_view b) { return atlas->shares(a, b); },
            [atlas](std::string_view code) {
                const auto* found = atlas->find(code);
                return found ? found->name_zh : std::string();
            }};
}

}  // namespace tocsin::authority
