#include "server/api/connection.hpp"

#include "server/api/flow.hpp"

namespace tocsin::api {
namespace {

constexpr std::size_t piece_bytes = 16384;
constexpr std::size_t drained_bytes_max = 65536;  // of a body that is refused anyway
constexpr std::size_t linger_bytes_max = 1048576;
constexpr std::chrono::milliseconds linger_time{1000};

}  // namespace

Connection::Connection(boost::asio::io_context& io,
                       std::unique_ptr<Transport> transport,
                       Application& application,
                       const HttpLimits& limits,
                       std::string address,
                       std::function<void()> gone)
    : io_(io),
      transport_(std::move(transport)),
      application_(application),
      limits_(limits),
      address_(std::move(address)),
      gone_(std::move(gone)),
      timer_(io) {}

Connection::~Connection() { gone_(); }

void Connection::start() {
    arm(limits_.handshake);
    transport_->handshake([self = shared_from_this()](Error error) {
        if (error || self->stage_ == Stage::closed) return self->close();
        self->sans_ = self->transport_->sans();
        self->next_request();
    });
}

void Connection::drain() {
    draining_ = true;
    if (stage_ == Stage::streaming) return end_stream();
    if (stage_ == Stage::head && in_.empty()) finish();
}

void Connection::close() {
    if (std::exchange(stage_, Stage::closed) == Stage::closed) return;
    transport_->close();
    timer_.cancel();
    admission_ = {};
    if (const auto flow = std::exchange(flow_, nullptr)) flow->closed();
}

// ---- requests ----

void Connection::next_request() {
    if (draining_) return finish();
    stage_ = Stage::head;
    admission_ = {};
    body_.reset();
    request_ = {};
    arm(in_.empty() ? limits_.idle : limits_.head);
    if (peer_ended_ && in_.empty()) return finish();
    in_.empty() ? read() : take_input();
}

void Connection::read() {
    if (std::exchange(reading_, true)) return;
    scratch_.resize(stage_ == Stage::body ? piece_bytes : piece_bytes / 4);
    transport_->read_some(scratch_.data(), scratch_.size(),
                          [self = shared_from_this()](Error error, std::size_t count) {
                              self->reading_ = false;
                              self->got(error, count);
                          });
}

void Connection::got(Error error, std::size_t count) {
    if (stage_ == Stage::closed) return;
    if (stage_ == Stage::finishing) return shut();
    if (error) return ended();
    if (stage_ == Stage::lingering) {
        lingered_ += count;
        return lingered_ > linger_bytes_max ? finish() : read();
    }
    if (stage_ == Stage::head && in_.empty()) arm(limits_.head);  // the first byte starts the time
    in_.append(scratch_.data(), count);
    take_input();
}

/// The peer closed, or the line broke: what it began is void, what it has sent whole is answered.
void Connection::ended() {
    peer_ended_ = true;
    if (stage_ == Stage::lingering) return finish();
    if (stage_ == Stage::head || stage_ == Stage::body || stage_ == Stage::streaming) close();
}

void Connection::take_input() {
    if (stage_ == Stage::head)
        take_head();
    else if (stage_ == Stage::body)
        take_body();
    else if (stage_ == Stage::streaming && in_.size() < limits_.head_bytes)
        read();
}

void Connection::take_head() {
    auto head = read_head(in_, limits_);
    if (head.state == Head::State::more) return read();
    began_ = Clock::now();
    ++turn_;
    if (head.state == Head::State::bad) {
        request_.id = request_id("");
        return fail(head.status, head.detail);
    }
    begin(std::move(head));
}

void Connection::begin(Head head) {
    request_.method = head.method;
    request_.target = head.target;
    request_.fields = head.fields;
    request_.http11 = head.http11;
    request_.keep_alive = keep_alive_ = head.keep_alive;
    request_.address = address_;
    request_.id = request_id(request_.field("x-request-id"));
    request_.sans = sans_;
    head_only_ = head.method == "HEAD";
    auto target = read_target(head.target);
    if (!target) return fail(400, "the target's escapes are no UTF-8");
    request_.path = std::move(target->path);
    request_.query = std::move(target->query);
    auto admission = application_.admit(request_);
    begin_body(std::move(head), std::move(admission));
}

void Connection::begin_body(Head head, Admission admission) {
    admission_ = std::move(admission);
    const bool has_body = head.chunked || head.content_length > 0;
    const bool long_body = head.chunked || head.content_length > drained_bytes_max;
    if (admission_.refuse && has_body && (head.expects_continue || long_body)) {
        auto response = *std::exchange(admission_.refuse, std::nullopt);
        response.close = true;
        return answer(turn_, std::move(response), true);
    }
    if (!admission_.refuse && head.content_length > admission_.body_max)
        return fail(413, fmt::format("the body has {} bytes, {} are taken here",
                                     head.content_length, admission_.body_max));
    body_ = std::make_unique<BodyReader>(
        std::string_view(in_).substr(head.skipped, head.size - head.skipped), head);
    in_.erase(0, head.size);
    if (const auto first = body_->begin(); !first.fault.empty()) return fail(400, first.fault);
    body_bytes_ = 0;
    if (!has_body) return hand_over();
    stage_ = Stage::body;
    body_began_ = Clock::now();
    arm(limits_.body_grace);
    if (!head.expects_continue || !in_.empty()) return take_body();
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    transport_->write(out_, [self = shared_from_this()](Error error) {
        error || self->stage_ != Stage::body ? self->close() : self->take_body();
    });
}

void Connection::take_body() {
    for (;;) {
        piece_.clear();
        const auto step = body_->put(in_, piece_);
        in_.erase(0, step.consumed);
        body_bytes_ += piece_.size();
        if (!step.fault.empty()) return fail(400, step.fault);
        if (!take_piece()) return;
        if (step.done) return hand_over();
        if (step.consumed == 0) break;
    }
    // Slow is fine, endless is not: each `body_rate` bytes buy one second more.
    const auto until = body_began_ + slow(body_bytes_) - Clock::now();
    arm(std::chrono::duration_cast<std::chrono::milliseconds>(until));
    read();
}

bool Connection::take_piece() {
    if (admission_.refuse) {
        if (body_bytes_ <= drained_bytes_max) return true;
        auto response = *std::exchange(admission_.refuse, std::nullopt);
        response.close = true;
        answer(turn_, std::move(response), true);
        return false;
    }
    if (body_bytes_ > admission_.body_max) {
        fail(413, fmt::format("the body has more than the {} bytes that are taken here",
                              admission_.body_max));
        return false;
    }
    if (!admission_.sink) return request_.body += piece_, true;
    if (piece_.empty()) return true;
    auto stop = admission_.sink(piece_);
    if (!stop) return true;
    stop->close = true;
    answer(turn_, std::move(*stop), true);
    return false;
}

void Connection::hand_over() {
    stage_ = Stage::handling;
    arm(limits_.handling);
    if (admission_.refuse) return answer(turn_, std::move(*admission_.refuse), false);
    auto turn = std::make_shared<Turn>(shared_from_this(), turn_);
    auto body = std::exchange(request_.body, {});
    turn->request = request_;
    turn->request.body = std::move(body);
    turn->context = admission_.context;
    application_.handle(std::move(turn));
}

// ---- answers ----

void Connection::fail(int status, std::string_view detail) {
    auto response = application_.fail(status, detail, request_.id);
    response.close = true;
    answer(turn_, std::move(response), true);
}

void Connection::answer(std::uint64_t turn, Response response, bool unread) {
    if (turn != turn_ || stage_ == Stage::closed || stage_ >= Stage::writing) return;
    if (response.close || draining_) keep_alive_ = false;
    const auto took = Clock::now() - began_;
    application_.answered(request_, admission_.context, response.status,
                          std::chrono::duration_cast<std::chrono::microseconds>(took));
    out_ = format_head(response, request_, response.body.size(), keep_alive_, transport_->secure());
    if (!head_only_ && response.status != 204 && response.status != 304) out_ += response.body;
    write_answer(unread);
}

/// Nobody will answer any more. When all is closed the application may be gone already.
void Connection::dropped(std::uint64_t turn) {
    if (turn != turn_ || stage_ != Stage::handling) return;
    answer(turn, application_.fail(503, "the server let this request go", request_.id), false);
}

void Connection::write_answer(bool unread) {
    stage_ = Stage::writing;
    arm(limits_.write + slow(out_.size()));
    transport_->write(out_, [self = shared_from_this(), unread](Error error) {
        if (error || self->stage_ != Stage::writing) return self->close();
        self->out_.clear();
        if (self->keep_alive_) return self->next_request();
        unread ? self->linger() : self->finish();
    });
}

void Connection::open_stream(std::uint64_t turn, Response head, std::shared_ptr<Flow> flow) {
    if (turn != turn_ || stage_ != Stage::handling) return flow->closed();
    if (!request_.http11 || draining_) keep_alive_ = false;
    application_.answered(request_, admission_.context, head.status, {});
    if (head_only_) {
        flow->closed();
        out_ = format_head(head, request_, std::nullopt, keep_alive_, transport_->secure());
        return write_answer(false);
    }
    stage_ = Stage::streaming;
    flow_ = std::move(flow);
    flow_ended_ = false;
    disarm();
    queue_.clear();
    out_ = format_head(head, request_, std::nullopt, keep_alive_, transport_->secure());
    flush();
    read();  // the only way to learn that the peer went away
    if (draining_) end_stream();
}

void Connection::push(std::string bytes) {
    if (stage_ != Stage::streaming || flow_ended_) return;
    queue_ += bytes;
    if (queue_.size() > limits_.stream_waiting_bytes) return close();  // it reads no more
    if (!writing_) flush();
}

void Connection::end_stream() {
    if (stage_ != Stage::streaming || std::exchange(flow_ended_, true)) return;
    if (!writing_) flush();
}

/// Whatever waits leaves as one chunk, so that a burst costs one write.
void Connection::flush() {
    const auto taken = queue_.size();
    if (request_.http11 && taken > 0) out_ += fmt::format("{:x}\r\n", taken);
    out_ += queue_;
    if (request_.http11 && taken > 0) out_ += "\r\n";
    queue_.clear();
    const bool last = flow_ended_;
    if (last && request_.http11) out_ += "0\r\n\r\n";
    writing_ = true;
    arm(limits_.write + slow(out_.size()));
    transport_->write(out_, [self = shared_from_this(), taken, last](Error error) {
        self->writing_ = false;
        if (error || self->stage_ != Stage::streaming) return self->close();
        self->out_.clear();
        self->disarm();
        if (taken > 0 && self->flow_) self->flow_->left(taken);
        if (self->stage_ != Stage::streaming || self->writing_) return;
        last ? self->flushed() : void();
        if (!last && (!self->queue_.empty() || self->flow_ended_)) self->flush();
    });
}

void Connection::flushed() {
    if (const auto flow = std::exchange(flow_, nullptr)) flow->closed();
    if (!keep_alive_) return finish();
    next_request();
}

// ---- ends ----

/// The peer may still be sending what we refused: closing now would lose our answer on its way.
void Connection::linger() {
    stage_ = Stage::lingering;
    lingered_ = 0;
    in_.clear();
    arm(linger_time);
    peer_ended_ ? finish() : read();
}

void Connection::finish() {
    if (stage_ == Stage::closed || stage_ == Stage::finishing) return;
    stage_ = Stage::finishing;
    arm(linger_time);
    reading_ ? transport_->cancel() : shut();  // a stream is not read and shut down at once
}

void Connection::shut() {
    transport_->finish([self = shared_from_this()](Error) { self->close(); });
}

// ---- time ----

std::chrono::milliseconds Connection::slow(std::size_t bytes) const {
    return limits_.body_grace + std::chrono::milliseconds(bytes * 1000 / limits_.body_rate);
}

void Connection::arm(std::chrono::milliseconds within) {
    deadline_ = Clock::now() + within;
    if (armed_ <= deadline_) return;  // the timer wakes earlier and looks again
    wait();
}

void Connection::wait() {
    armed_ = deadline_;
    timer_.expires_at(deadline_);
    timer_.async_wait([weak = weak_from_this()](Error error) {
        if (const auto self = weak.lock(); self && !error) self->woke();
    });
}

void Connection::woke() {
    armed_ = Clock::time_point::max();
    if (stage_ == Stage::closed || deadline_ == Clock::time_point::max()) return;
    Clock::now() < deadline_ ? wait() : timed_out();
}

void Connection::timed_out() {
    switch (stage_) {
        case Stage::head:
            if (in_.empty()) return finish();
            request_.id = request_id("");
            ++turn_;
            began_ = Clock::now();
            return fail(408, "the head of the request did not arrive in time");
        case Stage::body: return fail(408, "the body of the request did not arrive in time");
        case Stage::handling: {
            auto response = application_.fail(
                503, "this took too long; what was asked may have been done: ask again",
                request_.id);
            response.close = true;
            return answer(turn_, std::move(response), false);
        }
        default: return close();
    }
}

}  // namespace tocsin::api
