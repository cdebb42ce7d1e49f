#pragma once
#include "server/campaign/engine.hpp"

#include <boost/asio/post.hpp>

/// The two crossings of threads: calls come in by on_bulk, events go out by tell.
namespace tocsin::campaign {

template <class F> void Engine::on_bulk(F what) {
    boost::asio::post(bulk_,
                      [alive = std::weak_ptr<bool>(alive_), what = std::move(what)]() mutable {
                          if (!alive.expired()) what();
                      });
}

template <class F> void Engine::tell(F what) {
    boost::asio::post(core_, [&events = events_, what = std::move(what)] { what(events); });
}

}  // namespace tocsin::campaign
