// Only carries the precompiled header; see CMakeLists.txt.
