#include "server/api/testing.hpp"

#include "server/base/digest.hpp"
#include "server/base/log.hpp"

#include <arpa/inet.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <future>

namespace tocsin::api::testing {

namespace json = boost::json;

// ---- the client ----

struct Client::Impl {
    int socket = -1;
    SSL_CTX* context = nullptr;
    SSL* ssl = nullptr;
    std::string in;
    bool eof = false;

    ~Impl() {
        SSL_free(ssl);
        SSL_CTX_free(context);
        if (socket >= 0) ::close(socket);
    }

    bool wait(short what, std::chrono::steady_clock::time_point until) const {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                              until - std::chrono::steady_clock::now())
                              .count();
        pollfd fd{socket, what, 0};
        return left > 0 && ::poll(&fd, 1, int(left)) > 0;
    }
    bool more(std::chrono::steady_clock::time_point until) {
        char bytes[16384];
        while (!eof) {
            if (ssl) {
                const int count = SSL_read(ssl, bytes, sizeof bytes);
                if (count > 0) return in.append(bytes, std::size_t(count)), true;
                const int why = SSL_get_error(ssl, count);
                ERR_clear_error();
                if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
                    return eof = true, false;
            } else {
                const auto count = ::recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
                if (count > 0) return in.append(bytes, std::size_t(count)), true;
                if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
                    return eof = true, false;
            }
            if (!wait(POLLIN, until)) return false;
        }
        return false;
    }
};

namespace {

/// A server that closes while the client still writes is what some cases are about.
const auto ignored = std::signal(SIGPIPE, SIG_IGN);

std::chrono::steady_clock::time_point in(std::chrono::milliseconds within) {
    return std::chrono::steady_clock::now() + within;
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return text;
}

Reply read_reply_head(std::string_view head) {
    Reply out;
    out.status = head.size() > 12 ? std::atoi(std::string(head.substr(9, 3)).c_str()) : 0;
    for (auto at = head.find("\r\n"); at != head.npos && at + 2 < head.size();) {
        const auto end = head.find("\r\n", at + 2);
        const auto line = head.substr(at + 2, end - at - 2);
        const auto colon = line.find(": ");
        if (colon != line.npos)
            out.fields[lower(std::string(line.substr(0, colon)))] = line.substr(colon + 2);
        at = end;
    }
    return out;
}

}  // namespace

Client::Client(unsigned short port,
               bool tls,
               const std::filesystem::path& certificate,
               const std::filesystem::path& key)
    : impl_(std::make_unique<Impl>()) {
    impl_->socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    ::setsockopt(impl_->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(impl_->socket, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
        impl_->eof = true;
    if (!tls || impl_->eof) return;
    impl_->context = SSL_CTX_new(TLS_client_method());
    if (!certificate.empty()) {
        SSL_CTX_use_certificate_file(impl_->context, certificate.c_str(), SSL_FILETYPE_PEM);
        SSL_CTX_use_PrivateKey_file(impl_->context, key.c_str(), SSL_FILETYPE_PEM);
    }
    impl_->ssl = SSL_new(impl_->context);
    SSL_set_fd(impl_->ssl, impl_->socket);
    if (SSL_connect(impl_->ssl) != 1) impl_->eof = true;
    ERR_clear_error();
    timeval no_wait{0, 1000};
    ::setsockopt(impl_->socket, SOL_SOCKET, SO_RCVTIMEO, &no_wait, sizeof no_wait);
}

Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Client::~Client() = default;

Shaken shake(unsigned short port, const Handshake& wanted) {
    Client plain(port, false);  // for its socket
    Shaken out;
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, wanted.least);
    SSL_CTX_set_max_proto_version(context, wanted.most);
    if (!wanted.ciphers.empty()) SSL_CTX_set_cipher_list(context, wanted.ciphers.c_str());
    SSL* ssl = SSL_new(context);
    const auto* names = reinterpret_cast<const unsigned char*>(wanted.protocols.data());
    if (!wanted.protocols.empty())
        SSL_set_alpn_protos(ssl, names, unsigned(wanted.protocols.size()));
    SSL_set_fd(ssl, plain.socket());
    if (SSL_connect(ssl) == 1) {
        out.well = true;
        out.version = SSL_get_version(ssl);
        out.cipher = SSL_get_cipher_name(ssl);
        const unsigned char* chosen = nullptr;
        unsigned length = 0;
        SSL_get0_alpn_selected(ssl, &chosen, &length);
        if (length > 0) out.protocol.assign(reinterpret_cast<const char*>(chosen), length);
        // Tickets of TLS 1.3 come with the first bytes of an answer.
        const std::string_view ask = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        char byte = 0;
        if (SSL_write(ssl, ask.data(), int(ask.size())) > 0) SSL_read(ssl, &byte, 1);
        out.resumable = SSL_SESSION_is_resumable(SSL_get_session(ssl)) == 1;
    }
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(context);
    return out;
}

int Client::socket() const { return impl_->socket; }

bool Client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count =
            impl_->ssl ? SSL_write(impl_->ssl, bytes.data(), int(bytes.size()))
                       : int(::send(impl_->socket, bytes.data(), bytes.size(), MSG_NOSIGNAL));
        ERR_clear_error();
        if (count <= 0) return false;
        bytes.remove_prefix(std::size_t(count));
    }
    return true;
}

Reply Client::read(bool head_only, std::chrono::milliseconds within) {
    const auto until = in(within);
    auto& in = impl_->in;
    std::size_t end;
    while ((end = in.find("\r\n\r\n")) == in.npos)
        if (!impl_->more(until)) return {};
    auto reply = read_reply_head(std::string_view(in).substr(0, end + 2));
    in.erase(0, end + 4);
    if (reply.status == 100) return read(head_only, within);
    if (head_only || reply.status == 204 || reply.status == 304) return reply;
    if (reply.fields.contains("content-length")) {
        const auto size = std::stoul(reply.fields["content-length"]);
        while (in.size() < size)
            if (!impl_->more(until)) break;
        reply.body = in.substr(0, size);
        in.erase(0, reply.body.size());
        return reply;
    }
    for (;;) {  // chunks
        std::size_t line;
        while ((line = in.find("\r\n")) == in.npos)
            if (!impl_->more(until)) return reply;
        const auto size = std::stoul(in.substr(0, line), nullptr, 16);
        while (in.size() < line + 2 + size + 2)
            if (!impl_->more(until)) return reply;
        reply.body += in.substr(line + 2, size);
        in.erase(0, line + 2 + size + 2);
        if (size == 0) return reply;
    }
}

std::string Client::read_some(std::chrono::milliseconds within) {
    if (impl_->in.empty()) impl_->more(in(within));
    return std::exchange(impl_->in, {});
}

std::string Client::read_until(std::string_view text, std::chrono::milliseconds within) {
    const auto until = in(within);
    while (impl_->in.find(text) == std::string::npos)
        if (!impl_->more(until)) break;
    return std::exchange(impl_->in, {});
}

bool Client::closed(std::chrono::milliseconds within) {
    const auto until = in(within);
    while (!impl_->eof && std::chrono::steady_clock::now() < until) impl_->more(until);
    return impl_->eof;
}

std::string Client::protocol() const { return impl_->ssl ? SSL_get_version(impl_->ssl) : ""; }

Reply Client::call(std::string_view method,
                   std::string_view target,
                   std::string_view token,
                   std::string_view body,
                   std::string_view type,
                   const std::vector<std::string>& more) {
    auto text = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n", method, target);
    if (!token.empty()) text += fmt::format("Authorization: Bearer {}\r\n", token);
    if (!type.empty()) text += fmt::format("Content-Type: {}\r\n", type);
    if (!body.empty() || method == "POST" || method == "PUT")
        text += fmt::format("Content-Length: {}\r\n", body.size());
    for (const auto& field : more) text += field + "\r\n";
    send(text + "\r\n" + std::string(body));
    return read(method == "HEAD");
}

Reply Client::post(std::string_view cap, std::string_view token, std::string_view query) {
    return call("POST", "/v1/alerts" + std::string(query), token, cap, "application/cap+xml");
}

bool Reply::is_problem() const {
    const auto type = fields.find("content-type");
    if (type == fields.end() || type->second != "application/problem+json") return false;
    boost::system::error_code error;
    const auto value = json::parse(body, error);
    if (error || !value.is_object()) return false;
    const auto& object = value.get_object();
    const auto* said = object.if_contains("status");
    return said && said->is_int64() && said->get_int64() == status && object.contains("type") &&
           object.contains("title") && object.contains("detail");
}

std::string Reply::text(std::string_view path) const {
    boost::system::error_code error;
    auto value = json::parse(body, error);
    if (error) return "";
    const auto* at = value.find_pointer("/" + std::string(path), error);
    if (error || !at) return "";
    return at->is_string() ? std::string(at->get_string()) : json::serialize(*at);
}

bool Reply::has_rule(std::string_view rule) const {
    if (text("rule") == rule) return true;
    boost::system::error_code error;
    const auto value = json::parse(body, error);
    const auto* list = error ? nullptr : value.get_object().if_contains("violations");
    if (!list || !list->is_array()) return false;
    return std::ranges::any_of(list->get_array(), [&](const json::value& one) {
        return one.get_object().at("rule").get_string() == rule;
    });
}

// ---- who and where ----

bool FakeHub::pause(const std::string& endpoint, const dispatch::Pause& pause) {
    for (auto& one : list)
        if (one.name == endpoint) {
            one.state = "paused";
            one.paused_until = pause.until;
            one.paused_by = pause.by;
            one.pause_reason = pause.reason;
            return true;
        }
    return false;
}

bool FakeHub::resume(const std::string& endpoint, const std::string&) {
    for (auto& one : list)
        if (one.name == endpoint) return one.state = "up", true;
    return false;
}

bool FakeHub::probe(const std::string& endpoint, std::function<void(contract::Probed)> then) {
    for (const auto& one : list)
        if (one.name == endpoint) return then({true, std::chrono::milliseconds(3), "echo"}), true;
    return false;
}

std::vector<authority::Credential> credentials() {
    using namespace authority;
    std::vector<Credential> out;
    const auto add = [&](std::string name, Role role) -> Credential& {
        Credential made;
        made.name = made.person = name;
        made.role = role;
        made.token_sha256 = sha256_hex(name);
        made.areas = made.events = {"*"};
        made.levels = {Level::blue, Level::yellow, Level::orange, Level::red};
        made.modes = {Mode::live, Mode::exercise, Mode::test, Mode::replay};
        if (role == Role::sender) made.cap_senders = {std::string(cap_sender)};
        out.push_back(std::move(made));
        return out.back();
    };
    add("sender", Role::sender);
    add("drill", Role::sender).modes = {Mode::exercise, Mode::test};
    auto& orange = add("orange", Role::sender);
    orange.areas = {"110109"};
    orange.events = {"rainstorm"};
    orange.levels = {Level::blue, Level::yellow, Level::orange};
    add("other", Role::sender).cap_senders = {"other@example.org"};
    add("operator", Role::operator_);
    add("agency", Role::agency).areas = {"110109"};
    add("auditor", Role::auditor);
    add("admin", Role::admin);
    add("player", Role::player);
    add("expired", Role::sender).expires = Instant{};
    auto& bureau = add("bureau", Role::sender);
    bureau.token_sha256.clear();
    bureau.certificate_san = "DNS:bureau.example.org";
    return out;
}

authority::Places places() {
    const auto within = [](std::string_view inner, std::string_view outer) {
        return inner == outer || outer == "110000";
    };
    return {
        within,
        [within](std::string_view a, std::string_view b) { return within(a, b) || within(b, a); },
        [](std::string_view code) { return code == "110111" ? "房山区" : ""; }};
}

namespace {

/// What the real planner does, as far as intake's answers depend on it.
plan::Made fake_plan(const plan::Request& request) {
    plan::Made made;
    const auto& alert = *request.alert;
    const auto broken = [&](std::string rule, cap::Weight weight, std::string message) {
        made.violations.push_back(
            {std::move(rule), weight, 1, "alert/info[1]", std::move(message)});
    };
    plan::Plan plan;
    plan.mode = request.mode;
    plan.depth = request.depth;
    plan.sent = alert.sent.at;
    plan.expires = alert.sent.at + std::chrono::hours(24);
    if (request.before)
        plan.regions = request.before->regions, plan.level = request.before->level,
        plan.event_key = request.before->event_key, plan.expires = request.before->expires;
    if (!alert.infos.empty()) {
        const auto& info = alert.infos.front();
        plan.level = plan::level_of(info);
        plan.event_key = info.event;
        plan.headline = info.headline;
        plan.regions.clear();
        if (info.expires) plan.expires = info.expires->at;
        for (const auto& area : info.areas)
            for (const auto& code : area.geocodes) {
                const auto six = code.value.substr(0, 6);
                if (six != "110000" && six != "110109" && six != "110111")
                    broken("geocode-unknown", cap::Weight::error, "no region " + code.value);
                plan.regions.push_back(six);
            }
        if (plan.regions.empty()) broken("no-area", cap::Weight::error, "an area is needed");
        if (info.instruction.empty())
            broken("instruction-missing", cap::Weight::warning, "no instruction");
    }
    for (const auto* name : {"null-1", "web-1"}) {
        if (request.cancels && !request.before) break;
        plan::Order order;
        order.endpoint = name;
        order.action = request.cancels ? contract::Action::withdraw : contract::Action::publish;
        order.footprint = contract::Regions{plan.regions, {}};
        order.texts.push_back({contract::Form::headline, "zh-CN", plan.headline});
        plan.orders.push_back(std::move(order));
    }
    plan.forecast.push_back({"null-1", 1000, 1000, 1.5});
    plan.sha256 = sha256_hex(std::string(request.received));
    const bool refused = std::ranges::any_of(
        made.violations, [](const auto& v) { return v.severity == cap::Weight::error; });
    if (!refused) made.plan = std::move(plan);
    return made;
}

struct Ssl {
    template <class T> using Ptr = std::unique_ptr<T, void (*)(T*)>;
    static Ptr<EVP_PKEY> key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }
    static void write(const Cert& to, X509* certificate, EVP_PKEY* key) {
        const Ptr<std::FILE> c(std::fopen(to.certificate.c_str(), "wb"),
                               [](std::FILE* f) { std::fclose(f); });
        PEM_write_X509(c.get(), certificate);
        const Ptr<std::FILE> k(std::fopen(to.key.c_str(), "wb"),
                               [](std::FILE* f) { std::fclose(f); });
        PEM_write_PrivateKey(k.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    }
    static void extend(X509* to, X509* issuer, int what, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
        auto* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
        X509_add_ext(to, extension, -1);
        X509_EXTENSION_free(extension);
    }
    static Ptr<X509> make(const std::string& name, EVP_PKEY* key, int days) {
        Ptr<X509> made(X509_new(), X509_free);
        X509_set_version(made.get(), 2);
        static long serial = 1;
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
        X509_gmtime_adj(X509_getm_notBefore(made.get()), -3L * 86400);
        X509_gmtime_adj(X509_getm_notAfter(made.get()), days * 86400L);
        X509_set_pubkey(made.get(), key);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        return made;
    }
};

}  // namespace

Cert make_ca(const std::filesystem::path& folder) {
    Cert out{folder / "ca.crt", folder / "ca.key"};
    const auto key = Ssl::key();
    const auto made = Ssl::make("test CA", key.get(), 2);
    X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
    Ssl::extend(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE");
    Ssl::extend(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    X509_sign(made.get(), key.get(), EVP_sha256());
    Ssl::write(out, made.get(), key.get());
    return out;
}

Cert make_leaf(const std::filesystem::path& folder,
               const Cert& ca,
               const std::string& name,
               const std::string& san,
               bool client,
               int days) {
    Cert out{folder / (name + ".crt"), folder / (name + ".key")};
    const Ssl::Ptr<std::FILE> c(std::fopen(ca.certificate.c_str(), "rb"),
                                [](std::FILE* f) { std::fclose(f); });
    const Ssl::Ptr<X509> issuer(PEM_read_X509(c.get(), nullptr, nullptr, nullptr), X509_free);
    const Ssl::Ptr<std::FILE> k(std::fopen(ca.key.c_str(), "rb"),
                                [](std::FILE* f) { std::fclose(f); });
    const Ssl::Ptr<EVP_PKEY> ca_key(PEM_read_PrivateKey(k.get(), nullptr, nullptr, nullptr),
                                    EVP_PKEY_free);
    const auto key = Ssl::key();
    const auto made = Ssl::make(name, key.get(), days);
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get()));
    Ssl::extend(made.get(), issuer.get(), NID_subject_alt_name, san);
    Ssl::extend(made.get(), issuer.get(), NID_ext_key_usage, client ? "clientAuth" : "serverAuth");
    X509_sign(made.get(), ca_key.get(), EVP_sha256());
    Ssl::write(out, made.get(), key.get());
    return out;
}

Running::Running(std::function<void(Config&, Deps&)> change) : core(1), work_(core.get_executor()) {
    log::threshold(log::Severity::error);
    folder = std::filesystem::temp_directory_path() /
             fmt::format("tocsin-api-{}-{}", ::getpid(), hex(random_bytes(4)));
    std::filesystem::create_directories(folder);
    ca = make_ca(folder);
    server_certificate = make_leaf(folder, ca, "server", "DNS:localhost,IP:127.0.0.1", false);
    ledger = std::make_unique<ledger::MemoryLedger>(
        [this](std::function<void()> work) { boost::asio::post(core, std::move(work)); });
    dispatch::EndpointStatus one;
    one.name = "null-1";
    one.channel = "null";
    one.areas = {"110109"};
    one.state = "up";
    hub.list = {one};
    Config config;
    config.api = config.public_ = config.admin = "127.0.0.1:0";
    config.tls = {server_certificate.certificate, server_certificate.key, ca.certificate, {}};
    config.per_sender_per_minute = 0;
    config.failures_per_minute = 0;
    Deps deps;
    deps.core = &core;
    deps.ledger = ledger.get();
    deps.hub = &hub;
    deps.plan = fake_plan;
    auto rights = std::make_shared<const authority::Authority>(credentials(), places());
    deps.authority = [rights] { return rights; };
    deps.shares = places().shares;
    if (change) change(config, deps);
    thread_ = std::thread([this] { core.run(); });
    server = std::make_unique<Server>(std::move(config), std::move(deps));
    auto started = server->start();
    if (started)
        ports = *started;
    else
        std::fprintf(stderr, "%s\n", started.error().what.c_str());
    on_core([] {});
}

Running::~Running() {
    server->stop();
    work_.reset();
    core.stop();
    thread_.join();
    ledger.reset();
    server.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

void Running::on_core(std::function<void()> work) {
    std::promise<void> done;
    boost::asio::post(core, [&] {
        work();
        done.set_value();
    });
    done.get_future().wait();
}

std::string Running::dispatch_event(const std::string& alert, const std::string& data) {
    std::promise<std::string> id;
    boost::asio::post(core, [&] {
        ledger->tell({"", alert, "state", data},
                     [&](Result<std::string> told) { id.set_value(told ? *told : ""); });
    });
    return id.get_future().get();
}

std::size_t Running::alerts() {
    std::promise<std::size_t> count;
    boost::asio::post(core, [&] {
        ledger->alerts(1000, "", [&](Result<ledger::AlertPage> page) {
            count.set_value(page ? page->items.size() : 999999);
        });
    });
    return count.get_future().get();
}

std::string stamp(std::chrono::seconds from_now) {
    // One clock reading a process: the same words give the same bytes.
    static const auto base = std::chrono::floor<std::chrono::seconds>(now());
    return rfc3339(base + from_now);
}

std::string triple_of(const Words& words) {
    return fmt::format("{},{},{}", words.sender, words.identifier, stamp(words.sent));
}

std::string cap_message(const Words& words) {
    auto out = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>{}</identifier>"
        "<sender>{}</sender><sent>{}</sent><status>{}</status><msgType>{}</msgType>"
        "<scope>Public</scope>",
        words.identifier, words.sender, stamp(words.sent), words.status, words.type);
    if (!words.references.empty())
        out += fmt::format("<references>{}</references>", words.references);
    if (!words.info) return out + "</alert>\n";
    out += fmt::format(
        "<info><language>zh-CN</language><category>Met</category><event>{}</event>"
        "<urgency>Immediate</urgency><severity>{}</severity><certainty>Likely</certainty>"
        "<expires>{}</expires><headline>暴雨预警</headline><description>{}</description>",
        words.event, words.severity, stamp(words.expires), words.description);
    if (!words.instruction.empty())
        out += fmt::format("<instruction>{}</instruction>", words.instruction);
    out += "<area><areaDesc>here</areaDesc>";
    if (!words.geocode.empty())
        out += fmt::format(
            "<geocode><valueName>CPEAS Geographic Code</valueName><value>{}</value></geocode>",
            words.geocode);
    return out + "</area></info></alert>\n";
}

}  // namespace tocsin::api::testing
