#include "channels/web/worker.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tocsin::web {
namespace {

Fault system_fault(const std::string& doing) {
    return Fault{Cause::internal, std::string(std::strerror(errno))}.during(doing);
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes.remove_prefix(std::size_t(count));
    }
    return true;
}

std::size_t collect(char* data, std::size_t, std::size_t count, void* to) {
    static_cast<std::string*>(to)->append(data, count);
    return count;
}

int look_up(void* give_up, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return *static_cast<const std::atomic<bool>*>(give_up) ? 1 : 0;
}

}  // namespace

Worker::Worker() : thread_([this] { work(); }) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Worker::run(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void Worker::work() {
    for (;;) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
        if (closing_) return;
        const auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
    }
}

Result<std::size_t> write_durably(const std::filesystem::path& file, const std::string& bytes) {
    const auto fresh = file.string() + ".new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return system_fault("opening " + fresh);
    const bool written = write_all(fd, bytes) && ::fsync(fd) == 0;
    if (::close(fd) != 0 || !written) return system_fault("writing " + fresh);
    if (::rename(fresh.c_str(), file.c_str()) != 0) return system_fault("renaming " + fresh);
    const auto folder_name =
        file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const int folder = ::open(folder_name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return system_fault("opening " + folder_name.string());
    const bool synced = ::fsync(folder) == 0;
    ::close(folder);
    if (!synced) return system_fault("syncing " + folder_name.string());
    return bytes.size();
}

Result<std::string> fetch(const std::string& url,
                          const std::string& ca_file,
                          const std::atomic<bool>& give_up) {
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) return Fault{Cause::internal, "curl"};
    std::string body;
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_PROXY,
                     "");  // straight to the site, never by a proxy of the environment
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, look_up);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&give_up));
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    if (!ca_file.empty()) curl_easy_setopt(curl.get(), CURLOPT_CAINFO, ca_file.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
    const auto code = curl_easy_perform(curl.get());
    if (code != CURLE_OK)
        return Fault{Cause::unreachable, curl_easy_strerror(code)}.during("fetching " + url);
    return body;
}

}  // namespace tocsin::web
