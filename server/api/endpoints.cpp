#include "server/api/calls.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace tocsin::api {
namespace {

namespace json = boost::json;
using dispatch::EndpointStatus;

/// The hub is asked on core; the answer is made on the connection's thread.
template <class F> void with_endpoints(Shared& shared, std::shared_ptr<Exchange> exchange, F then) {
    if (!shared.deps.hub)
        return refuse(*exchange, problem("unavailable", "there is no dispatch here"));
    on_core(shared, [&shared, exchange, then] {
        boost::asio::post(exchange->io(),
                          [then, all = shared.deps.hub->endpoints()] { then(all); });
    });
}

const EndpointStatus* find(const std::vector<EndpointStatus>& all, const std::string& name) {
    const auto found = std::ranges::find(all, name, &EndpointStatus::name);
    return found == all.end() ? nullptr : &*found;
}

Problem no_endpoint(const std::string& name) {
    return problem("not-found", fmt::format("no endpoint '{}'", utf8(name)));
}

std::optional<authority::Refusal> forbidden(const Shared& shared,
                                            const Exchange& exchange,
                                            const EndpointStatus& endpoint) {
    authority::Subject subject;
    subject.regions = &endpoint.areas;
    return shared.deps.authority()->may(*asker(exchange).who, authority::Act::pause, subject);
}

/// The one named by the path, if the asker may act on it.
using WithOne = std::function<void(const EndpointStatus&)>;
void with_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange, WithOne then) {
    with_endpoints(shared, exchange,
                   [&shared, exchange, then](const std::vector<EndpointStatus>& all) {
                       const auto& name = exchange->request.args.at(0);
                       const auto* one = find(all, name);
                       if (!one) return refuse(*exchange, no_endpoint(name));
                       if (auto no = forbidden(shared, *exchange, *one))
                           return refuse(*exchange, *no);
                       then(*one);
                   });
}

std::optional<dispatch::Pause> read_pause(const Shared& shared, Exchange& exchange) {
    const auto body = json_body(exchange, {"until", "reason"});
    if (!body) return std::nullopt;
    dispatch::Pause out;
    out.by = (*asker(exchange).who)->person;
    out.reason = text_member(*body, "reason").value_or("");
    if (out.reason.empty() || out.reason.size() > 1000)
        return refuse(exchange, problem("unprocessable", "a reason of 1 to 1,000 bytes is needed")),
               std::nullopt;
    const auto until = text_member(*body, "until");
    if (!until) return out;
    const auto parsed = parse_rfc3339(*until);
    if (!parsed)
        return refuse(exchange, problem("unprocessable", parsed.error().what)), std::nullopt;
    if (*parsed <= shared.deps.clock())
        return refuse(exchange, problem("unprocessable", "'until' is over already")), std::nullopt;
    out.until = *parsed;
    return out;
}

/// Acts on each named endpoint on core, then shows them as they are.
void act(Shared& shared,
         std::shared_ptr<Exchange> exchange,
         std::vector<std::string> names,
         std::function<bool(const std::string&)> what,
         bool one) {
    on_core(shared, [&shared, exchange, names = std::move(names), what = std::move(what), one] {
        for (const auto& name : names)
            if (!what(name) && one) return refuse(*exchange, no_endpoint(name));
        const auto all = shared.deps.hub->endpoints();
        json::array items;
        for (const auto& name : names)
            if (const auto* found = find(all, name)) items.push_back(render(*found));
        if (one && items.size() == 1) return send(*exchange, 200, items[0]);
        send(*exchange, 200, json::object{{"items", std::move(items)}, {"next", ""}});
    });
}

void act_on_all(Shared& shared,
                const std::shared_ptr<Exchange>& exchange,
                const std::string& what_for,
                std::function<bool(const std::string&)> what) {
    with_endpoints(shared, exchange,
                   [&shared, exchange, what_for, what](const std::vector<EndpointStatus>& all) {
                       std::vector<std::string> names;
                       for (const auto& one : all) {
                           if (auto no = forbidden(shared, *exchange, one))
                               return refuse(*exchange, *no);
                           names.push_back(one.name);
                       }
                       note_audit(shared, *exchange, what_for, "all");
                       act(shared, exchange, std::move(names), what, false);
                   });
}

}  // namespace

void list_endpoints(Shared& shared, std::shared_ptr<Exchange> exchange) {
    with_endpoints(shared, exchange, [exchange](const std::vector<EndpointStatus>& all) {
        json::array items;
        for (const auto& one : all) items.push_back(render(one));
        send(*exchange, 200, json::object{{"items", std::move(items)}, {"next", ""}});
    });
}

void show_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange) {
    with_endpoints(shared, exchange, [exchange](const std::vector<EndpointStatus>& all) {
        const auto& name = exchange->request.args.at(0);
        const auto* one = find(all, name);
        one ? send(*exchange, 200, render(*one)) : refuse(*exchange, no_endpoint(name));
    });
}

void endpoint_history(Shared& shared, std::shared_ptr<Exchange> exchange) {
    with_endpoints(shared, exchange, [&shared, exchange](const std::vector<EndpointStatus>& all) {
        const auto& name = exchange->request.args.at(0);
        if (!find(all, name)) return refuse(*exchange, no_endpoint(name));
        auto got = back<std::vector<std::string>>(
            exchange, [exchange](const std::vector<std::string>& lines) {
                json::array items;
                for (const auto& line : lines) {
                    boost::system::error_code error;
                    auto value = json::parse(line, error);
                    if (!error) items.push_back(std::move(value));
                }
                send(*exchange, 200, json::object{{"items", std::move(items)}, {"next", ""}});
            });
        on_core(shared, [&shared, name, got] { shared.deps.ledger->probes(name, got); });
    });
}

void pause_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange) {
    const auto pause = read_pause(shared, *exchange);
    if (!pause) return;
    with_endpoint(shared, exchange, [&shared, exchange, pause = *pause](const EndpointStatus& one) {
        note_audit(shared, *exchange, "endpoint.paused", one.name);
        act(
            shared, exchange, {one.name},
            [&shared, pause](const std::string& name) {
                return shared.deps.hub->pause(name, pause);
            },
            true);
    });
}

void resume_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange) {
    if (!json_body(*exchange, {"reason"})) return;
    with_endpoint(shared, exchange, [&shared, exchange](const EndpointStatus& one) {
        note_audit(shared, *exchange, "endpoint.resumed", one.name);
        act(
            shared, exchange, {one.name},
            [&shared, by = (*asker(*exchange).who)->person](const std::string& name) {
                return shared.deps.hub->resume(name, by);
            },
            true);
    });
}

void pause_all(Shared& shared, std::shared_ptr<Exchange> exchange) {
    const auto pause = read_pause(shared, *exchange);
    if (!pause) return;
    act_on_all(shared, exchange, "endpoint.paused",
               [&shared, pause = *pause](const std::string& name) {
                   return shared.deps.hub->pause(name, pause);
               });
}

void resume_all(Shared& shared, std::shared_ptr<Exchange> exchange) {
    if (!json_body(*exchange, {"reason"})) return;
    act_on_all(shared, exchange, "endpoint.resumed",
               [&shared, by = (*asker(*exchange).who)->person](const std::string& name) {
                   return shared.deps.hub->resume(name, by);
               });
}

void probe_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange) {
    if (!json_body(*exchange, {"reason"})) return;
    with_endpoint(shared, exchange, [&shared, exchange](const EndpointStatus& one) {
        on_core(shared, [&shared, exchange, name = one.name] {
            const bool there =
                shared.deps.hub->probe(name, [exchange, name](const contract::Probed& probed) {
                    send(*exchange, 200,
                         json::object{{"name", name},
                                      {"well", probed.well},
                                      {"took_ms", probed.took.count()},
                                      {"what", utf8(probed.what)}});
                });
            if (!there) refuse(*exchange, no_endpoint(name));
        });
    });
}

}  // namespace tocsin::api
