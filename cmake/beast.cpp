// Beast's bodies, compiled once for everybody.
#include <boost/beast/src.hpp>
