#include "server/dispatch/asio.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tocsin::dispatch {

void AsioTimers::after(milliseconds pause, std::function<void()> then) {
    if (pause <= milliseconds(0)) return boost::asio::post(loop_, std::move(then));
    auto timer = std::make_shared<boost::asio::steady_timer>(loop_, pause);
    timer->async_wait([timer, then = std::move(then)](auto error) {
        if (!error) then();
    });
}

}  // namespace tocsin::dispatch
