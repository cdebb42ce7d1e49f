#include "server/audience/phone.hpp"

#include <phonenumbers/phonenumberutil.h>

namespace tocsin::audience {

Number foreign(std::string_view text) {
    using Library = i18n::phonenumbers::PhoneNumberUtil;
    static const Library& library = *Library::GetInstance();
    i18n::phonenumbers::PhoneNumber parsed;
    switch (library.Parse(std::string(text), "ZZ", &parsed)) {
        case Library::NO_PARSING_ERROR: break;
        case Library::INVALID_COUNTRY_CODE_ERROR: return {0, NumberFlaw::country};
        default: return {0, NumberFlaw::form};
    }
    const auto type =
        library.GetNumberType(parsed);  // unknown means invalid; asking twice costs twice
    if (type == Library::UNKNOWN) return {0, NumberFlaw::invalid};
    if (type != Library::MOBILE && type != Library::FIXED_LINE_OR_MOBILE)
        return {0, NumberFlaw::not_mobile};
    std::string digits;
    library.GetNationalSignificantNumber(parsed, &digits);
    auto e164 = static_cast<std::uint64_t>(parsed.country_code());
    for (const char c : digits) e164 = e164 * 10 + static_cast<std::uint64_t>(c - '0');
    return {e164, NumberFlaw::none};
}

}  // namespace tocsin::audience
