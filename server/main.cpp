#include "server/app/app.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

int main(int count, char** words) {
    CLI::App cli{"Tocsin: carries public warnings and proves what really happened", "tocsind"};
    std::string config;
    bool check = false, json = false;
    cli.add_option("--config", config, "tocsin.toml, as `tocsin init DIR` writes it")->required();
    cli.add_flag("--check", check, "look at the configuration, name every fault, exit 0 or 2");
    cli.add_flag("--json", json, "with --check: one JSON value a line");
    cli.set_version_flag("--version", "tocsind 0.1.0");
    try {
        cli.parse(count, words);
    } catch (const CLI::ParseError& error) {
        return error.get_exit_code() == 0 ? cli.exit(error) : (cli.exit(error), 2);
    }
    return check ? tocsin::app::check(config, json) : tocsin::app::run(config);
}
