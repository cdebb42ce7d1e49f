#include "server/api/calls.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace tocsin::api {
namespace {

namespace json = boost::json;

json::object render(const plan::Audience& audience, bool groups) {
    std::uint64_t recipients = 0, opted_out = 0;
    json::array lines;
    for (const auto& group : audience.groups) {
        recipients += group.count;
        if (group.opted_out) opted_out += group.count;
        json::array regions;
        for (const auto& region : group.regions) regions.emplace_back(region);
        if (groups)
            lines.push_back(json::object{{"regions", std::move(regions)},
                                         {"network", group.network},
                                         {"language", group.language},
                                         {"role", group.role},
                                         {"opted_out", group.opted_out},
                                         {"count", group.count}});
    }
    json::object out{{"name", audience.name},
                     {"version", audience.version},
                     {"recipients", recipients},
                     {"opted_out", opted_out}};
    if (groups) out["groups"] = std::move(lines);
    return out;
}

using WithAll = std::function<void(const std::vector<plan::Audience>&)>;
void with_audiences(Shared& shared, std::shared_ptr<Exchange> exchange, WithAll then) {
    on_core(shared, [&shared, got = back<std::vector<plan::Audience>>(exchange, std::move(then))] {
        shared.deps.ledger->audiences(got);
    });
}

Problem no_audience(const std::string& name) {
    return problem("not-found", fmt::format("no audience '{}'", utf8(name)));
}

}  // namespace

void list_audiences(Shared& shared, std::shared_ptr<Exchange> exchange) {
    with_audiences(shared, exchange, [exchange](const std::vector<plan::Audience>& all) {
        json::array items;
        for (const auto& one : all) items.push_back(render(one, false));
        send(*exchange, 200, json::object{{"items", std::move(items)}, {"next", ""}});
    });
}

void show_audience(Shared& shared, std::shared_ptr<Exchange> exchange) {
    with_audiences(shared, exchange, [exchange](const std::vector<plan::Audience>& all) {
        const auto& name = exchange->request.args.at(0);
        const auto found = std::ranges::find(all, name, &plan::Audience::name);
        if (found == all.end()) return refuse(*exchange, no_audience(name));
        send(*exchange, 200, render(*found, true));
    });
}

void put_audience(Shared& shared, std::shared_ptr<Exchange> exchange) {
    const auto then = [&shared, exchange](const AudienceImport::Outcome& outcome) {
        auto body = render(outcome.audience, false);
        body["rejected"] = outcome.rejected;
        json::array lines;
        for (const auto& line : outcome.rejected_lines)
            lines.push_back(json::object{{"line", line.line}, {"reason", utf8(line.reason)}});
        body["rejected_lines"] = std::move(lines);
        note_audit(shared, *exchange, "audience.replaced", outcome.audience.name);
        send(*exchange, 202, body);
    };
    on_core(shared, [&shared, exchange, then] {
        auto* import = asker(*exchange).import.get();
        import->finish([&shared, exchange, then](Result<AudienceImport::Outcome> outcome) {
            if (outcome && shared.deps.audiences_changed) shared.deps.audiences_changed();
        if (!outcome && outcome.error().cause == Cause::malformed)
            return refuse(*exchange,
                          problem("unprocessable", outcome.error().what + "; nothing was changed"));
        back<AudienceImport::Outcome>(exchange, then)(std::move(outcome));
    });
});
}

void remove_audience(Shared& shared, std::shared_ptr<Exchange> exchange) {
    const auto name = exchange->request.args.at(0);
    auto got = back<bool>(exchange, [&shared, exchange, name](bool was_there) {
        if (!was_there) return refuse(*exchange, no_audience(name));
        note_audit(shared, *exchange, "audience.removed", name);
        exchange->send({204, "", "", {}, false});
    });
    on_core(shared, [&shared, name, got] {
        shared.deps.ledger->remove_audience(name, [&shared, got](Result<bool> was_there) {
            if (was_there && *was_there && shared.deps.audiences_changed)
                shared.deps.audiences_changed();
            got(std::move(was_there));
        });
    });
}

}  // namespace tocsin::api
