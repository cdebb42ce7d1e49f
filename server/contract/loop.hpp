#pragma once
#include <boost/asio/io_context.hpp>

namespace tocsin::contract {

/// The event loop that a channel lives on: one thread runs it. Only a channel's link.cpp and the
/// server's app include this.
class Loop {
public:
    explicit Loop(boost::asio::io_context& io) : io(io) {}
    boost::asio::io_context& io;
};

}  // namespace tocsin::contract
