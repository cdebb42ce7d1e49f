#include "server/audience/csv.hpp"

#include <algorithm>

namespace tocsin::audience {
namespace {

std::string_view without_return(std::string_view line) {
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

bool opens(std::string_view line) { return std::ranges::count(line, '"') % 2 == 1; }

void split(std::string_view text, std::vector<std::string_view>& fields) {
    for (std::size_t from = 0;;) {
        const auto to = text.find(',', from);
        fields.push_back(text.substr(from, to == text.npos ? to : to - from));
        if (to == text.npos) return;
        from = to + 1;
    }
}

/// False where a quote stands inside a bare field or something follows a closing one. `unquoted` has
/// room for the whole text, so that views into it stay.
bool split_quoted(std::string_view text,
                  std::vector<std::string_view>& fields,
                  std::string& unquoted) {
    unquoted.clear();
    unquoted.reserve(text.size());
    for (std::size_t at = 0;;) {
        if (at < text.size() && text[at] == '"') {
            const auto from = unquoted.size();
            for (++at;; ++at) {
                if (at == text.size()) return false;
                if (text[at] == '"' && !(at + 1 < text.size() && text[at + 1] == '"')) break;
                at += text[at] == '"';
                unquoted += text[at];
            }
            fields.push_back(std::string_view(unquoted).substr(from));
            if (++at < text.size() && text[at] != ',') return false;
        } else {
            const auto to = std::min(text.find(',', at), text.size());
            fields.push_back(text.substr(at, to - at));
            if (fields.back().find('"') != std::string_view::npos) return false;
            at = to;
        }
        if (at == text.size()) return true;
        ++at;
    }
}

}  // namespace

void Records::feed(std::string_view chunk) {
    while (!chunk.empty()) {
        const auto end = chunk.find('\n');
        const auto piece = chunk.substr(0, end);
        if (!dropping_ && tail_.size() + piece.size() > record_bytes_max) {
            tail_.append(piece.substr(0, record_bytes_max - tail_.size()));
            dropping_ = true;
        }
        if (end == chunk.npos) {
            if (!dropping_) tail_.append(piece);
            return;
        }
        if (dropping_ || !tail_.empty()) {
            if (!dropping_) tail_.append(piece);
            take_line(tail_);
            tail_.clear();
        } else {
            take_line(piece);
        }
        chunk.remove_prefix(end + 1);
    }
}

void Records::finish() {
    if (!tail_.empty()) take_line(tail_);
    tail_.clear();
    if (!open_.empty()) give_up();
}

void Records::take_line(std::string_view line) {
    if (++line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // a BOM
    if (dropping_) {
        dropping_ = false;
        if (!open_.empty()) give_up();
        return reject(line, line_, Broken::too_long);
    }
    if (!open_.empty()) return go_on(line);
    if (line.find('"') == line.npos || !opens(line)) return take_alone(line, line_);
    open_ = line;
    opened_at_ = line_;
}

void Records::take_alone(std::string_view line, std::uint64_t number) {
    if (opens(line)) return reject(line, number, Broken::quotes);
    emit(without_return(line), number);
}

void Records::go_on(std::string_view line) {
    const auto commas = static_cast<std::size_t>(std::ranges::count(line, ','));
    const bool a_row = columns_ > 1 && commas + 1 >= columns_;
    open_.append("\n").append(line);
    if (a_row || open_.size() > record_bytes_max) return give_up();
    if (!opens(line)) return;
    fields_.clear();
    if (!split_quoted(without_return(open_), fields_, unquoted_)) return give_up();
    visit_({opened_at_, Broken::no, fields_});
    open_.clear();
}

/// The line that opened the quotes is lost; those after it stand for themselves.
void Records::give_up() {
    const auto text = std::move(open_);
    open_.clear();
    auto number = opened_at_;
    for (std::size_t from = 0; from <= text.size(); ++number) {
        const auto to = std::min(text.find('\n', from), text.size());
        take_alone(std::string_view(text).substr(from, to - from), number);
        from = to + 1;
    }
}

void Records::emit(std::string_view text, std::uint64_t line) {
    fields_.clear();
    if (text.find('"') == text.npos)
        split(text, fields_);
    else if (!split_quoted(text, fields_, unquoted_))
        return reject(text, line, Broken::quotes);
    visit_({line, Broken::no, fields_});
}

void Records::reject(std::string_view text, std::uint64_t line, Broken why) {
    const std::string_view only[] = {text.substr(0, 256)};
    visit_({line, why, only});
}

}  // namespace tocsin::audience
