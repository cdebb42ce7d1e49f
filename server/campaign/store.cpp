#include "server/campaign/store.hpp"

#include "server/ledger/keys.hpp"

#include <charconv>

namespace tocsin::campaign {
namespace {

constexpr std::string_view layout_version = "1";

template <class T> bool read(std::string_view text, T& to) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc() && end == text.data() + text.size();
}
template <class T> std::vector<T> numbers(std::string_view text) {
    std::vector<T> all;
    while (!text.empty()) {
        const auto space = text.find(' ');
        T one{};
        if (!read(text.substr(0, space), one)) return {};
        all.push_back(one);
        text = space == text.npos ? std::string_view() : text.substr(space + 1);
    }
    return all;
}

std::string groups_text(const std::vector<GroupPages>& groups) {
    std::string text;
    for (const auto& g : groups)
        text += fmt::format("{} {} {} {} {} {}\n", g.index, g.count, g.language, g.network, g.role,
                            g.regions);
    return text;
}
std::string_view next_word(std::string_view& rest) {
    const auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    return word;
}
bool read_groups(std::string_view text, std::vector<GroupPages>& groups) {
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        const auto first = line.find(' '), second = line.find(' ', first + 1);
        GroupPages group;
        if (first == line.npos || second == line.npos ||
            !read(line.substr(0, first), group.index) ||
            !read(line.substr(first + 1, second - first - 1), group.count))
            return false;
        std::string_view rest = line.substr(second + 1);
        group.language = next_word(rest);
        group.network = next_word(rest);
        group.role = next_word(rest);
        group.regions = rest;
        groups.push_back(std::move(group));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return true;
}
Instant instant(std::int64_t ms) { return Instant(milliseconds(ms)); }
std::string text(Instant at) { return std::to_string(at.time_since_epoch().count()); }

}  // namespace

const std::string_view open_script = R"lua(
if #ARGV > 0 and redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[1], unpack(ARGV)) end
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
redis.call('HINCRBY', KEYS[1], 'fence', 1)
return redis.call('HGETALL', KEYS[1])
)lua";

const std::string_view commit_script = R"lua(
local now = redis.call('HMGET', KEYS[1], 'fence', 'seq')
if now[1] ~= ARGV[1] then return 'fenced' end
if tonumber(now[2] or '0') >= tonumber(ARGV[2]) then return 'old' end
local last = 3 + 2 * tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'seq', ARGV[2], unpack(ARGV, 4, last))
for i = last + 1, #ARGV, 3 do
    local page = KEYS[tonumber(ARGV[i])]
    if ARGV[i + 2] ~= '' then redis.call('SETRANGE', page, ARGV[i + 1], ARGV[i + 2])
    elseif redis.call('STRLEN', page) < 48000 then redis.call('SETRANGE', page, 47999, '\0') end
end
return 'ok'
)lua";

const std::string_view close_script = R"lua(
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 'fenced' end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 'ok'
)lua";

std::string name_of(contract::Mode mode, std::string_view endpoint, OrderId order) {
    return fmt::format("{}.{}.{}.{}:0", ledger::keys::mode_letter(mode), endpoint, order.ordinal,
                       order.revision);
}
std::string open_campaigns_key(std::string_view endpoint) {
    return fmt::format("t1:{{b:{}}}:campaigns", endpoint);
}
std::string heard_key(std::string_view endpoint) {
    return fmt::format("t1:{{b:{}}}:heard", endpoint);
}
std::string orphans_key(std::string_view endpoint) {
    return fmt::format("t1:{{b:{}}}:orphans", endpoint);
}

Fields fields_of(const Plan& plan) {
    return {{"layout", std::string(layout_version)},
            {"order", fmt::format("{} {}", plan.order.ordinal, plan.order.revision)},
            {"mode", std::to_string(int(plan.mode))},
            {"level", std::to_string(int(plan.level))},
            {"endpoint", plan.endpoint},
            {"alert", plan.alert},
            {"audience", plan.audience},
            {"started", text(plan.started)},
            {"expires", text(plan.expires)},
            {"only", std::to_string(plan.only_reached_by)},
            {"receipts", plan.receipts ? "1" : "0"},
            {"over_opt_outs", plan.over_opt_outs ? "1" : "0"},
            {"groups", groups_text(plan.groups)}};
}

std::string counts_text(const receipts::Counts& c) {
    return fmt::format("{} {} {} {} {} {}", c.total, c.handed, c.accepted, c.delivered, c.failed,
                       c.expired);
}

Result<Record> record_of(const Fields& fields) {
    std::map<std::string_view, std::string_view> by_name(fields.begin(), fields.end());
    if (by_name["layout"] != layout_version)
        return Fault{Cause::refused, fmt::format("a campaign of layout {}", by_name["layout"])};
    Record record;
    auto& plan = record.plan;
    std::int64_t started = 0, expires = 0;
    std::uint32_t mode = 0, level = 0;
    const auto order = numbers<std::uint32_t>(by_name["order"]);
    if (order.size() != 2 || !read(by_name["mode"], mode) || !read(by_name["level"], level) ||
        !read(by_name["started"], started) || !read(by_name["expires"], expires) ||
        !read(by_name["only"], plan.only_reached_by) || !read(by_name["fence"], record.fence) ||
        !read_groups(by_name["groups"], plan.groups))
        return Fault{Cause::malformed, "a campaign's hash lacks a field"};
    plan.order = {order[0], std::uint16_t(order[1])};
    plan.mode = contract::Mode(mode);
    plan.level = contract::Level(level);
    plan.endpoint = by_name["endpoint"];
    plan.alert = by_name["alert"];
    plan.audience = by_name["audience"];
    plan.started = instant(started);
    plan.expires = instant(expires);
    plan.receipts = by_name["receipts"] != "0";
    plan.over_opt_outs = by_name["over_opt_outs"] == "1";
    read(by_name["seq"], record.seq);
    read(by_name["cursor"], record.cursor);
    record.stopped = by_name["stopped"];
    record.masked = by_name["masked"] == "1";
    record.closed = by_name["closed"] == "1";
    if (const auto c = numbers<std::uint64_t>(by_name["counts"]); c.size() == 6)
        record.counts = {c[0], c[1], c[2], c[3], c[4], c[5]};
    return record;
}

}  // namespace tocsin::campaign
