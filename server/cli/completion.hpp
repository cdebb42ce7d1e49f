#pragma once
#include "server/cli/commands.hpp"

namespace CLI {
class App;
}

namespace tocsin::cli {

/// A static script for bash, zsh or fish, made from the tree of commands.
int print_completion(const CLI::App& app, const std::string& shell);
/// "; did you mean 'post' or 'plan'?" for a command that is none.
std::string suggestion(const CLI::App& app, int count, char** words);

}  // namespace tocsin::cli
