#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::ledger {

/// One file of lua/, as it stands (made by CMakeLists.txt).
struct LuaFile {
    std::string_view name, text;
};
const std::vector<LuaFile>& lua_files();

/// A script as Redis gets it: its file, with what it leans on in front.
struct Script {
    std::string name, text, digest;  // digest: SHA-1 in hex, by which Redis knows it
};
const std::vector<Script>& scripts();
/// Aborts if there is none: a name misspelt in our own code.
const Script& script(std::string_view name);

}  // namespace tocsin::ledger
