#pragma once
#include "server/ledger/address.hpp"

#include <doctest/doctest.h>
#include <hiredis/hiredis.h>

/// For tests only: a blocking connection, to look behind the ledger's back and to do it harm.
namespace tocsin::ledger::testing {

class Raw {
public:
    explicit Raw(const Address& at)
        : context_(at.socket.empty() ? redisConnect(at.host.c_str(), at.port)
                                     : redisConnectUnix(at.socket.c_str())) {
        REQUIRE(context_);
        REQUIRE(context_->err == 0);
    }
    ~Raw() { redisFree(context_); }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;

    /// Flattened: arrays as their items, integers in decimal, errors as they are.
    std::vector<std::string> ask(const std::vector<std::string>& words) {
        send(words);
        redisReply* reply = nullptr;
        if (redisGetReply(context_, reinterpret_cast<void**>(&reply)) != REDIS_OK)
            return {"broken"};
        std::vector<std::string> out;
        flatten(reply, out);
        freeReplyObject(reply);
        return out;
    }
    std::string one(const std::vector<std::string>& words) {
        const auto all = ask(words);
        return all.empty() ? "" : all.front();
    }
    void send(const std::vector<std::string>& words) {
        std::vector<const char*> at;
        std::vector<std::size_t> length;
        for (const auto& word : words) at.push_back(word.data()), length.push_back(word.size());
        redisAppendCommandArgv(context_, int(words.size()), at.data(), length.data());
        int done = 0;
        while (!done && redisBufferWrite(context_, &done) == REDIS_OK) {}
    }

private:
    static void flatten(const redisReply* reply, std::vector<std::string>& out) {
        if (reply->type == REDIS_REPLY_ARRAY)
            for (std::size_t i = 0; i < reply->elements; ++i) flatten(reply->element[i], out);
        else if (reply->type == REDIS_REPLY_INTEGER)
            out.push_back(std::to_string(reply->integer));
        else
            out.emplace_back(reply->str ? reply->str : "", std::size_t(reply->len));
    }
    redisContext* context_;
};

}  // namespace tocsin::ledger::testing
