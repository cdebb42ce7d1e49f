#include "server/cli/completion.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace tocsin::cli {
namespace {

struct Node {
    std::string path;  // "tocsin endpoints"
    std::vector<std::string> commands, options;
};

void collect(const CLI::App& app, const std::string& path, std::vector<Node>& out) {
    Node node{path, {}, {}};
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames()) node.options.push_back("--" + name);
    for (const auto* child : app.get_subcommands([](const CLI::App*) { return true; }))
        node.commands.push_back(child->get_name());
    out.push_back(node);
    for (const auto* child : app.get_subcommands([](const CLI::App*) { return true; }))
        collect(*child, path + " " + child->get_name(), out);
}

std::string bash(const std::vector<Node>& nodes) {
    std::string out =
        "_tocsin() {\n  local cur=${COMP_WORDS[COMP_CWORD]} path=tocsin word words=\n"
        "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case \"$path $word\" in\n";
    for (const auto& node : nodes)
        if (node.path != "tocsin") out += fmt::format("      '{0}') path='{0}' ;;\n", node.path);
    out += "    esac\n  done\n  case $path in\n";
    for (const auto& node : nodes)
        out +=
            fmt::format("    '{}') words='{} {} {}' ;;\n", node.path, fmt::join(node.commands, " "),
                        fmt::join(node.options, " "), fmt::join(nodes.front().options, " "));
    return out +
           "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\ncomplete -F "
           "_tocsin tocsin\n";
}

std::string fish(const std::vector<Node>& nodes) {
    std::string out;
    for (const auto& command : nodes.front().commands)
        out += fmt::format("complete -c tocsin -n __fish_use_subcommand -a {}\n", command);
    for (const auto& node : nodes) {
        const auto last = node.path.substr(node.path.rfind(' ') + 1);
        const auto when = node.path == "tocsin"
                              ? std::string()
                              : fmt::format(" -n '__fish_seen_subcommand_from {}'", last);
        for (const auto& option : node.options)
            out += fmt::format("complete -c tocsin{} -l {}\n", when, option.substr(2));
        if (node.path != "tocsin")
            for (const auto& command : node.commands)
                out += fmt::format("complete -c tocsin{} -a {}\n", when, command);
    }
    return out;
}

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row[b.size()];
}

}  // namespace

int print_completion(const CLI::App& app, const std::string& shell) {
    std::vector<Node> nodes;
    collect(app, "tocsin", nodes);
    if (shell == "bash")
        std::cout << bash(nodes);
    else if (shell == "zsh")
        std::cout << "autoload -U +X bashcompinit && bashcompinit\n" << bash(nodes);
    else if (shell == "fish")
        std::cout << fish(nodes);
    else
        return std::cerr << "tocsin: no such shell: " << shell
                         << "; there are bash, zsh and fish\n",
               int(usage);
    return done;
}

namespace {

std::string near_to(std::string_view word, std::vector<std::string> names) {
    const auto far = [&](const std::string& name) { return distance(word, name); };
    std::ranges::stable_sort(names, {}, far);
    if (word.size() < 2) return "";
    // A third of it may be wrong: more is another word.
    const auto most = std::min(std::max<std::size_t>(2, word.size() / 3), word.size() - 1);
    return names.empty() || far(names[0]) > most ? ""
                                                 : fmt::format("; did you mean '{}'?", names[0]);
}

bool takes_value(const CLI::App& here, const CLI::App& root, const std::string& option) {
    for (const auto* app : {&here, &root})
        if (const auto* found = app->get_option_no_throw(option))
            return found->get_items_expected_max() > 0;
    return false;
}

}  // namespace

/// Follows the words as far as they are commands; the first that is none, where one must stand, or
/// an option that nobody knows is what was mistyped. Anything else is an argument, not a mistake.
std::string suggestion(const CLI::App& app, int count, char** words) {
    const auto* here = &app;
    const auto all = [](const CLI::App*) { return true; };
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word.starts_with("--")) {
            const auto name = word.substr(0, word.find('='));
            if (name == "--") return "";
            if (!here->get_option_no_throw(name) && !app.get_option_no_throw(name)) {
                std::vector<Node> nodes;
                collect(*here, "", nodes);
                auto options = nodes.front().options;
                for (const auto* option : app.get_options())
                    for (const auto& one : option->get_lnames()) options.push_back("--" + one);
                return near_to(name, std::move(options));
            }
            if (name == word && takes_value(*here, app, name)) ++i;
            continue;
        }
        if (word.starts_with('-') && word != "-") continue;
        const auto commands = here->get_subcommands(all);
        if (commands.empty()) continue;
        const auto next = std::ranges::find(commands, word, &CLI::App::get_name);
        if (next != commands.end()) {
            here = *next;
            continue;
        }
        std::vector<std::string> names;
        for (const auto* one : commands) names.push_back(one->get_name());
        return near_to(word, std::move(names));
    }
    return "";
}

}  // namespace tocsin::cli
