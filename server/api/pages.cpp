#include "server/api/pages.hpp"

#include "server/base/digest.hpp"

#include <mutex>

namespace tocsin::api {
namespace {

bool matches(std::string_view if_none_match, std::string_view etag) {
    if (if_none_match == "*") return true;
    while (!if_none_match.empty()) {
        const auto end = std::min(if_none_match.find(','), if_none_match.size());
        auto one = if_none_match.substr(0, end);
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == etag) return true;
        if_none_match.remove_prefix(std::min(end + 1, if_none_match.size()));
    }
    return false;
}

/// A page may run nothing and load only what stands beside it.
constexpr std::string_view page_policy =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

bool is_feed(std::string_view type) {
    return type.starts_with("application/") || type.find("xml") != type.npos;
}

}  // namespace

void Pages::put(std::string path, std::string type, std::string body, Instant now, int max_age_s) {
    std::shared_ptr<Page> made;
    if (!body.empty()) {
        made = std::make_shared<Page>();
        made->etag = '"' + sha256_hex(body).substr(0, 32) + '"';
        made->type = std::move(type);
        made->body = std::move(body);
        made->modified = now;
        made->max_age_s = max_age_s;
    }
    const std::unique_lock lock(mutex_);
    if (!made) return void(pages_.erase(path));
    auto& there = pages_[std::move(path)];
    if (there && there->etag == made->etag && there->type == made->type)
        made->modified = there->modified;
    there = std::move(made);
}

std::shared_ptr<const Page> Pages::get(std::string_view path) const {
    const std::shared_lock lock(mutex_);
    const auto found = pages_.find(path);
    return found == pages_.end() ? nullptr : found->second;
}

std::size_t Pages::size() const {
    const std::shared_lock lock(mutex_);
    return pages_.size();
}

std::string http_date(Instant at) {
    using namespace std::chrono;
    constexpr const char* weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<seconds>(at - day));
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       weekdays[weekday(day).c_encoding()], unsigned(date.day()),
                       months[unsigned(date.month()) - 1], int(date.year()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

Response answer_page(const Page& page, const Request& request) {
    Response out;
    out.type = page.type;
    out.fields = {{"ETag", page.etag},
                  {"Last-Modified", http_date(page.modified)},
                  {"Cache-Control", fmt::format("public, max-age={}", page.max_age_s)}};
    if (is_feed(page.type))
        out.fields.push_back({"Access-Control-Allow-Origin", "*"});
    else
        out.fields.push_back({"Content-Security-Policy", std::string(page_policy)});
    const auto tag = request.field("if-none-match");
    const bool unchanged = !tag.empty()
                               ? matches(tag, page.etag)
                               : request.field("if-modified-since") == http_date(page.modified);
    if (unchanged) return out.status = 304, out;
    out.body = page.body;
    return out;
}

}  // namespace tocsin::api
