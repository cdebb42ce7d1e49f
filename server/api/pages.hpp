#pragma once
#include "server/api/http.hpp"
#include "server/base/time.hpp"

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>

/// What channels put on the public listener: documents by path, whole, replaced at once. Thread safe.
namespace tocsin::api {

struct Page {
    std::string type, body;
    std::string etag;  // made by put()
    Instant modified{};
    int max_age_s = 10;
};

class Pages {
public:
    /// An empty body removes the page.
    void put(std::string path, std::string type, std::string body, Instant now, int max_age_s = 10);
    std::shared_ptr<const Page> get(std::string_view path) const;
    std::size_t size() const;

private:
    mutable std::shared_mutex mutex_;
    std::map<std::string, std::shared_ptr<const Page>, std::less<>> pages_;
};

/// 200 or 304, with ETag, Last-Modified, Cache-Control and a policy for pages. Pure.
Response answer_page(const Page& page, const Request& request);
/// "Wed, 29 Jul 2026 09:30:00 GMT"
std::string http_date(Instant at);

}  // namespace tocsin::api
