#pragma once
#include "server/api/calls.hpp"

/// The three applications behind the listeners.
namespace tocsin::api {

/// Routes, credentials, rates; then the calls.
class Api : public Application {
public:
    explicit Api(Shared& shared) : shared_(shared) {}
    Admission admit(Request& request) override;
    void handle(std::shared_ptr<Exchange> exchange) override;
    Response fail(int status, std::string_view detail, std::string_view request_id) override;
    void answered(const Request& request,
                  const std::shared_ptr<const void>& context,
                  int status,
                  std::chrono::microseconds took) override;

private:
    std::optional<Problem> check_body(const Request& request, const Route& route) const;
    std::optional<Problem> identify(const Request& request, Asker& asker);
    std::optional<Problem> budget(Asker& asker);

    Shared& shared_;
};

/// The public site: pages, and nothing else.
class Site : public Application {
public:
    Site(Shared& shared, Pages& pages, std::string name)
        : shared_(shared), pages_(pages), name_(std::move(name)) {}
    Admission admit(Request& request) override;
    void handle(std::shared_ptr<Exchange> exchange) override;
    Response fail(int status, std::string_view detail, std::string_view request_id) override;
    void answered(const Request& request,
                  const std::shared_ptr<const void>& context,
                  int status,
                  std::chrono::microseconds took) override;

protected:
    /// Nothing: a page, if there is one.
    virtual std::optional<Response> own(const Request& request);
    Shared& shared_;

private:
    Pages& pages_;
    const std::string name_;
};

/// Health and metrics; and the sandbox's pages, which the public never sees.
class Admin : public Site {
public:
    explicit Admin(Shared& shared) : Site(shared, *shared.deps.sandbox, "admin") {}

protected:
    std::optional<Response> own(const Request& request) override;
};

}  // namespace tocsin::api
