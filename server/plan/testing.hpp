#pragma once
#include "server/plan/plan.hpp"
#include "server/plan/templates.hpp"

#include <doctest/doctest.h>

/// What the tests of this folder share: Beijing as the repository has it, and alerts to change.
namespace tocsin::plan::testing {

using contract::Budget;
using contract::Form;
using namespace std::chrono_literals;

inline std::shared_ptr<const area::Atlas> beijing() {
    static const auto atlas = [] {
        auto loaded = area::Atlas::load("data/beijing/regions.geojson");
        REQUIRE_MESSAGE(loaded.has_value(), (loaded.has_error() ? loaded.error().what : ""));
        return std::make_shared<const area::Atlas>(std::move(*loaded));
    }();
    return atlas;
}

inline std::shared_ptr<const Templates> templates() {
    static const auto loaded = [] {
        auto all = Templates::load("templates");
        REQUIRE_MESSAGE(all.has_value(), (all.has_error() ? all.error().what : ""));
        return *all;
    }();
    return loaded;
}

inline Instant at(std::string_view time) { return *parse_rfc3339(time); }
inline cap::Time time(std::string_view text) { return {at(text), 480min, false}; }

inline const std::vector<std::string> three_districts{"110109", "110111", "110119"};

inline std::vector<Budget> sms_budget(std::uint32_t pages = 4) {
    return {{Form::sms, Budget::Unit::ucs2, 70, pages}};
}
inline std::vector<Budget> web_budgets() {
    return {{Form::headline, Budget::Unit::characters, 400, 1},
            {Form::page, Budget::Unit::characters, 20000, 1},
            {Form::cap, Budget::Unit::bytes, 1048576, 1}};
}

/// A live endpoint of the whole city, with a sandbox twin of the name + "-test".
inline Endpoint endpoint(std::string name,
                         std::string bearer,
                         std::vector<std::string> areas = {"110000"}) {
    Endpoint e;
    e.name = name;
    e.channel = bearer;
    e.bearer = bearer;
    e.areas = std::move(areas);
    e.live = true;
    e.sandbox = name + "-test";
    e.budgets = bearer == "sms" ? sms_budget() : web_budgets();
    if (bearer == "sms") {
        e.bulk = true;
        e.audience = "public";
        e.rate = 1000;
    }
    return e;
}
inline Endpoint twin_of(const Endpoint& live) {
    auto twin = live;
    twin.name = live.sandbox;
    twin.live = false;
    twin.sandbox.clear();
    if (twin.bulk) twin.audience = "testers";
    return twin;
}

inline City city(std::vector<Endpoint> endpoints) {
    City c;
    c.atlas = beijing();
    c.templates = "templates";
    const auto lives = endpoints;
    for (const auto& live : lives)
        if (live.live && !live.sandbox.empty()) endpoints.push_back(twin_of(live));
    c.endpoints = std::move(endpoints);
    return c;
}

inline std::shared_ptr<const Planner> planner(City c) {
    auto made = Planner::make(std::move(c));
    REQUIRE_MESSAGE(made.has_value(), (made.has_error() ? made.error().what : ""));
    return *made;
}

inline Group group(std::vector<std::string> regions,
                   std::uint32_t count,
                   std::string language = "zh-CN") {
    return {std::move(regions), "mobile", std::move(language), "public", false, count};
}

inline cap::Area district(std::string code, std::string desc) {
    cap::Area area;
    area.desc = std::move(desc);
    area.geocodes = {{"CPEAS Geographic Code", std::move(code)}};
    return area;
}

/// Red rain for Mentougou, Fangshan and Yanqing, in both languages, as the bureau writes.
inline cap::Alert red_rain() {
    cap::Alert alert;
    alert.identifier = "11000041600000_20260729173000";
    alert.sender = "11000041600000@example.org";
    alert.sent = time("2026-07-29T17:30:00+08:00");
    alert.msg_type = cap::MsgType::alert;
    alert.status = cap::Status::actual;
    alert.scope = cap::Scope::public_;
    cap::Info zh;
    zh.language = "zh-CN";
    zh.language_given = true;
    zh.categories = {"Met"};
    zh.event = "暴雨";
    zh.urgency = cap::Urgency::immediate;
    zh.severity = cap::Severity::extreme;
    zh.certainty = cap::Certainty::likely;
    zh.event_codes = {{"CN:eventType", "11B03"}};
    zh.onset = time("2026-07-29T20:00:00+08:00");
    zh.expires = time("2026-07-30T08:00:00+08:00");
    zh.sender_name = "北京市气象台";
    zh.headline = "北京市气象台发布暴雨红色预警信号[I级/特别严重]";
    zh.description = "预计29日夜间门头沟、房山、延庆有特大暴雨。山洪风险极高！低洼地区易积水。";
    zh.instruction = "1.停止户外活动；2.远离山区、河道，立即转移。";
    zh.parameters = {{"CN:severity", "Red"}};
    zh.areas = {district("110109000000", "门头沟区"), district("110111000000", "房山区"),
                district("110119000000", "延庆区")};
    auto en = zh;
    en.language = "en-US";
    en.event = "Rainstorm";
    en.sender_name = "Beijing Meteorological Observatory";
    en.headline = "Beijing Meteorological Observatory issues a red rainstorm warning";
    en.description =
        "Extreme rain is expected on the night of the 29th. Flash floods are very likely.";
    en.instruction = "1. Stop outdoor activity. 2. Move out now.";
    en.areas[0].desc = "Mentougou District";
    en.areas[1].desc = "Fangshan District";
    en.areas[2].desc = "Yanqing District";
    alert.infos = {zh, en};
    return alert;
}

inline Request live(const cap::Alert& alert, const Plan* before = nullptr) {
    Request r;
    r.alert = &alert;
    r.received = "<alert/>";
    r.mode = Mode::live;
    r.depth = Depth::terminal;
    r.before = before;
    r.now = alert.sent.at;
    return r;
}

inline bool noted(const Plan& plan, std::string_view rule, std::string_view words = "") {
    return std::ranges::any_of(plan.warnings, [&](const Note& n) {
        return n.rule == rule && n.message.find(words) != std::string::npos;
    });
}
inline const Order* order_at(const Plan& plan, std::string_view endpoint) {
    const auto found = std::ranges::find(plan.orders, endpoint, &Order::endpoint);
    return found == plan.orders.end() ? nullptr : &*found;
}
inline std::string words_of(const Order& order, Form form, std::string_view language) {
    for (const auto& text : order.texts)
        if (text.form == form && text.language == language) return text.words;
    return {};
}
inline std::vector<std::string> endpoints_of(const Plan& plan) {
    std::vector<std::string> names;
    for (const auto& order : plan.orders)
        names.push_back(std::string(word(order.action)) + " " + order.endpoint);
    return names;
}

}  // namespace tocsin::plan::testing
