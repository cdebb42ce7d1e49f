#pragma once
#include "server/plan/cells.hpp"
#include "server/plan/reach.hpp"
#include "server/plan/speaker.hpp"

/// Orders for the endpoints of a plan, with their words, and what the operators should know of them.
namespace tocsin::plan {

class OrderMaker {
public:
    OrderMaker(const City& city,
               const Templates& templates,
               const Request& request,
               const Speaker& speaker,
               const Census& census,
               CellChoice& cells,
               Plan& plan)
        : city_(city),
          templates_(templates),
          request_(request),
          speaker_(speaker),
          census_(census),
          cells_(cells),
          plan_(plan) {}

    /// Publish where nothing was before, update where it was, withdraw where it no longer belongs.
    void for_alert();
    /// Withdraw wherever it was.
    void for_cancel();

private:
    void add(const Reach& reached, const People& people);
    void add_bulk(Order order, const Endpoint& endpoint, const People& people);
    void add_cells(Order order, const Endpoint& endpoint);
    void note_cells(const CellReach& reach);
    void withdraw(const Order& was, Kind kind);
    void withdraw_others();
    std::vector<contract::Text> texts(const Endpoint& endpoint, Kind kind);
    const Said& say(const Endpoint& endpoint,
                    Kind kind,
                    const Language& language,
                    const contract::Budget& budget);
    std::vector<const Language*> languages(const Endpoint& endpoint);
    std::string sense(const Endpoint& endpoint, const std::vector<contract::Text>& published);
    void forecast(const Endpoint& endpoint, const Order& order, const Audience& audience);
    void set_rate(const Endpoint& endpoint, Forecast& out) const;
    void note(std::string rule, std::string message);
    const Order* was_at(std::string_view endpoint) const;

    const City& city_;
    const Templates& templates_;
    const Request& request_;
    const Speaker& speaker_;
    const Census& census_;
    CellChoice& cells_;
    Plan& plan_;
    std::map<std::string, Said> said_;  // endpoints often ask for the same words
};

}  // namespace tocsin::plan
