#pragma once
#include "server/cli/client.hpp"
#include "server/cli/home.hpp"

#include <string>
#include <vector>

/// The commands of `tocsin`; each returns the exit status: 0 done, 1 refused or failed, 2 usage,
/// 3 cannot reach the server, 4 a comparison found differences (design.md 5).
namespace tocsin::cli {

struct Context {
    Where where;
    bool json = false, quiet = false;
};

enum Exit { done = 0, refused = 1, usage = 2, unreachable = 3, differs = 4 };

/// Prints a fault as people or, with --json, scripts read it; gives the status that fits.
int fail(const Context& context, const Fault& fault);
/// The same for an answer that is no 2xx: problem+json, violations and all.
int fail(const Context& context, const Answer& answer);

int validate(const Context& context,
             const std::vector<std::string>& files,
             const std::string& known);
int plan(const Context& context, const std::string& file);
int post(const Context& context,
         const std::string& file,
         bool follow,
         const std::string& override_reason);
int status(const Context& context, const std::string& id, bool follow);
int alerts(const Context& context, const std::vector<std::string>& filters, std::size_t limit);
int deliveries(const Context& context, const std::string& id, const std::string& state);
int recipients(const Context& context,
               const std::string& id,
               const std::string& state,
               const std::string& number);
int acknowledgements(const Context& context, const std::string& id);
int replies(const Context& context, std::size_t limit);
int cancel(const Context& context, const std::string& id, const std::string& reason, bool yes);
int endpoints(const Context& context);
int endpoint_act(const Context& context,
                 const std::string& act,
                 const std::string& name,
                 const std::string& until,
                 const std::string& reason);
int audience_import(const Context& context, const std::string& name, const std::string& file);
int audience_list(const Context& context);
int audience_remove(const Context& context, const std::string& name, bool yes);
int me(const Context& context);
int reload(const Context& context);
int doctor(const Context& context);

}  // namespace tocsin::cli
