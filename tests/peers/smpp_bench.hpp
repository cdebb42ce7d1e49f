#pragma once
#include "channels/sms/smpp/memory_desk.hpp"
#include "server/base/settings.hpp"
#include "server/contract/catalogue.hpp"

#include <chrono>

/// The SMPP channel opened as the server opens it, on its own loop, with recipients in memory.
namespace tocsin::peers {

using smpp::MemoryDesk;

class SmppBench {
public:
    /// `settings`: lines of TOML beside host, port, system_id and password_file.
    explicit SmppBench(std::uint16_t port, const std::string& settings = {});
    /// Any channel for text messages, with its whole table.
    SmppBench(contract::Open& open, const std::string& toml);
    ~SmppBench();

    /// Numbers from 8613800000000 on.
    void invite(contract::OrderId order, std::size_t people);
    void carry(contract::OrderId order,
               const std::string& words,
               const std::string& language = "zh-CN");
    void carry_drill(contract::OrderId order, const std::string& words);
    /// Ticks as the server does until it is so; false after `patience`.
    bool until(const std::function<bool()>& so,
               std::chrono::milliseconds patience = std::chrono::seconds(60));
    void run(std::chrono::milliseconds time);
    void stop();  // in order, as the server does

    MemoryDesk desk;
    contract::Channel& channel() { return *channel_; }
    std::chrono::milliseconds tick_every{5};

private:
    void tick();
    struct Inside;  // hides the io_context
    std::unique_ptr<Inside> inside_;
    std::unique_ptr<contract::Channel> channel_;
    bool stopped_ = false;
};

}  // namespace tocsin::peers
