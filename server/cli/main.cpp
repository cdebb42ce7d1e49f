#include "server/cli/completion.hpp"
#include "server/cli/init.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <iostream>

// table: one block a command; what it does is in the command's own file
namespace tocsin::cli {
namespace {

constexpr const char* version = "0.1.0";
constexpr const char* statuses =
    "Exit: 0 done  1 refused or failed  2 usage  3 server not reached  4 differences found";

struct Arguments {
    Context context;
    Init init;
    std::vector<std::string> files, filters;
    std::string file, id, name, known, reason, override_reason, state, number, until, shell;
    std::size_t limit = 50;
    bool follow = false, yes = false;
};

using Run = std::function<int()>;

CLI::App* command(
    CLI::App& app, Run& run, const char* name, const char* what, const char* example, Run body) {
    auto* made = app.add_subcommand(name, what);
    made->footer(std::string("Example: ") + example + "\n" + statuses);
    made->fallthrough();
    made->callback([&run, body = std::move(body)] {  // the inner command's comes first
        if (!run) run = body;
    });
    return made;
}

int run_init(const Arguments& a) {
    const auto share = share_folder();
    if (!share) return fail(a.context, share.error());
    const auto made = init(a.init, *share);
    if (!made) return fail(a.context, made.error());
    if (a.context.json)
        std::cout << R"({"configuration":")" << made->string() << "\"}\n";
    else if (!a.context.quiet)
        std::cout << made->string() << "\nnow: tocsind --config " << made->string() << "\n";
    return done;
}

void offline(CLI::App& app, Arguments& a, Run& run) {
    auto* init =
        command(app, run, "init",
                "Make a folder that serves at once: configuration, certificates, tokens, words",
                "tocsin init city --port 8443", [&] { return run_init(a); });
    init->add_option("folder", a.init.folder, "new folder")->required();
    init->add_option("--city", a.init.city, "whose regions and words")->capture_default_str();
    init->add_option("--port", a.init.port,
                     "of the API; the public site is on the next, admin on the one after")
        ->capture_default_str();
    init->add_option("--sample", a.init.sample, "lines of the made-up audience.csv")
        ->capture_default_str();

    auto* validate = command(app, run, "validate", "Check CAP files offline: rule, line, element",
                             "tocsin validate rain.xml",
                             [&] { return cli::validate(a.context, a.files, a.known); });
    validate->add_option("files", a.files, "CAP 1.2 files, - for standard input")->required();
    validate->add_option("--known", a.known,
                         "a message that came before: its references are known");
    auto* completion = command(app, run, "completion", "Print a completion script",
                               "tocsin completion bash > /etc/bash_completion.d/tocsin",
                               [&] { return print_completion(app, a.shell); });
    completion->add_option("shell", a.shell, "bash, zsh or fish")->required();
    command(app, run, "doctor", "Look at configuration, clock, certificates, disk and server",
            "tocsin doctor --config city", [&] { return doctor(a.context); });
    command(app, run, "reload", "Ask the server of --config DIR to read its configuration again",
            "tocsin reload --config city", [&] { return reload(a.context); });
}

void senders(CLI::App& app, Arguments& a, Run& run) {
    auto* plan =
        command(app, run, "plan",
                "What would be sent where, in which words, how long it would take: no effect",
                "tocsin plan rain.xml", [&] { return cli::plan(a.context, a.file); });
    plan->add_option("file", a.file, "CAP 1.2 file, - for standard input")->required();
    auto* post = command(app, run, "post", "Post a CAP 1.2 alert and print its id",
                         "tocsin post rain.xml --follow",
                         [&] { return cli::post(a.context, a.file, a.follow, a.override_reason); });
    post->add_option("file", a.file, "CAP 1.2 file, - for standard input")->required();
    post->add_flag("--follow", a.follow, "watch until all deliveries have ended");
    post->add_option("--override", a.override_reason,
                     "a reason, where a rule lets one override it");
    auto* cancel = command(app, run, "cancel", "Take an alert back: it is over",
                           "tocsin cancel l01j8 --reason 'the rain has ended' --yes",
                           [&] { return cli::cancel(a.context, a.id, a.reason, a.yes); });
    cancel->add_option("id", a.id, "a unique beginning will do")->required();
    cancel->add_option("--reason", a.reason, "goes into the Cancel's note")->required();
    cancel->add_flag("--yes", a.yes, "don't ask");
}

void readers(CLI::App& app, Arguments& a, Run& run) {
    auto* status = command(
        app, run, "status", "How far an alert got; without an id: what is in force",
        "tocsin status l01j8 --follow", [&] { return cli::status(a.context, a.id, a.follow); });
    status->add_option("id", a.id, "a unique beginning will do");
    status->add_flag("--follow", a.follow, "watch until all deliveries have ended");
    auto* alerts =
        command(app, run, "alerts", "Alerts, newest first", "tocsin alerts level=red mode=live",
                [&] { return cli::alerts(a.context, a.filters, a.limit); });
    alerts->add_option("filters", a.filters,
                       "state= mode= level= event= area= sender= since= until= q=");
    alerts->add_option("--limit", a.limit, "how many")->capture_default_str();
    auto* deliveries =
        command(app, run, "deliveries", "A line an endpoint: state, counts, times, evidence",
                "tocsin deliveries l01j8 --state failed",
                [&] { return cli::deliveries(a.context, a.id, a.state); });
    deliveries->add_option("id", a.id, "a unique beginning will do")->required();
    deliveries->add_option("--state", a.state, "only these");
    auto* recipients =
        command(app, run, "recipients", "A line a person of a bulk channel, or one number's",
                "tocsin recipients l01j8 --state failed",
                [&] { return cli::recipients(a.context, a.id, a.state, a.number); });
    recipients->add_option("id", a.id, "a unique beginning will do")->required();
    recipients->add_option("--state", a.state, "only these");
    recipients->add_option("--number", a.number,
                           "find this number; it is sent in the body, never in a URL");
    auto* acknowledgements = command(
        app, run, "acknowledgements", "Who replied that they have read an alert",
        "tocsin acknowledgements l01j8", [&] { return cli::acknowledgements(a.context, a.id); });
    acknowledgements->add_option("id", a.id, "a unique beginning will do")->required();
    auto* replies = command(
        app, run, "replies", "What phones replied and no configured word explains, newest first",
        "tocsin replies --limit 20", [&] { return cli::replies(a.context, a.limit); });
    replies->add_option("--limit", a.limit, "how many")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command(app, run, "me", "Whose token this is and what it may do", "tocsin me --config city",
            [&] { return me(a.context); });
}

void operators(CLI::App& app, Arguments& a, Run& run) {
    auto* endpoints = command(
        app, run, "endpoints", "Endpoints: state, queue, last probe; or pause, resume, probe one",
        "tocsin endpoints pause sms --reason repair", [&] { return cli::endpoints(a.context); });
    endpoints->require_subcommand(0, 1);
    for (const char* act : {"pause", "resume", "probe"}) {
        auto* one =
            command(*endpoints, run, act, "by name, or all",
                    "tocsin endpoints pause all --until 2026-07-29T18:00:00+08:00 --reason repair",
                    [&a, act] { return endpoint_act(a.context, act, a.name, a.until, a.reason); });
        one->add_option("name", a.name, "endpoint, or all")->required();
        if (std::string_view(act) == "pause") {
            one->add_option("--until", a.until, "RFC 3339; without it until resumed");
            one->add_option("--reason", a.reason, "shown with the pause")->required();
        }
    }
    auto* audience = command(app, run, "audience", "Import, list or remove audiences",
                             "tocsin audience import public people.csv", [] { return int(usage); });
    audience->require_subcommand(1, 1);
    auto* import = command(*audience, run, "import", "Replace an audience by a CSV file",
                           "tocsin audience import public people.csv",
                           [&] { return audience_import(a.context, a.name, a.file); });
    import->add_option("name", a.name, "of the audience")->required();
    import
        ->add_option("file", a.file,
                     "CSV: number, region, language, role, opt_out; - for standard input")
        ->required();
    command(*audience, run, "list", "All audiences", "tocsin audience list",
            [&] { return audience_list(a.context); });
    auto* remove = command(*audience, run, "remove", "Remove an audience",
                           "tocsin audience remove public --yes",
                           [&] { return audience_remove(a.context, a.name, a.yes); });
    remove->add_option("name", a.name, "of the audience")->required();
    remove->add_flag("--yes", a.yes, "don't ask");
}

void common(CLI::App& app, Arguments& a) {
    app.set_version_flag("--version", std::string("tocsin ") + version);
    app.add_option("--config", a.context.where.config,
                   "folder that `tocsin init` wrote ($TOCSIN_CONFIG)");
    app.add_option("--url", a.context.where.url, "of the API, instead of --config");
    app.add_option("--token-file", a.context.where.token_file,
                   "instead of the one that --config gives");
    app.add_option("--ca", a.context.where.ca, "CA file that signed the server's certificate");
    app.add_option("--timeout", a.context.where.timeout_s, "seconds for one answer")
        ->capture_default_str();
    app.add_flag("--json", a.context.json, "for scripts: one JSON value a line on standard output");
    app.add_flag("--quiet", a.context.quiet, "nothing on success");
    app.require_subcommand(1);
    app.fallthrough();
    app.footer(statuses);
}

int run_main(int count, char** words) {
    CLI::App app{"Tocsin: carries public warnings and proves what really happened", "tocsin"};
    Arguments a;
    Run run;
    common(app, a);
    offline(app, a, run);
    senders(app, a, run);
    readers(app, a, run);
    operators(app, a, run);
    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        std::cerr << "tocsin: " << error.what() << suggestion(app, count, words) << "\n";
        std::cerr << "Run `tocsin --help` or `tocsin COMMAND --help`.\n";
        return usage;
    }
    return run ? run() : int(usage);
}

}  // namespace
}  // namespace tocsin::cli

/// Whoever reads our output must be able to rely on status 0: then all of it was written.
int main(int count, char** words) {
    // A socket must not become standard output because somebody closed that: what is printed would
    // go to the server. Opened for reading, so that writing fails and is told.
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDONLY) != fd) return 1;
    const int status = tocsin::cli::run_main(count, words);
    if (std::cout.flush() || status != tocsin::cli::done) return status;
    std::cerr << "tocsin: cannot write standard output: the disk is full, or nobody reads it\n";
    return tocsin::cli::refused;
}
