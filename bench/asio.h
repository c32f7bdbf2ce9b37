/* SPDX-License-Identifier: ISC */
#ifndef BENCH_ASIO_H
#define BENCH_ASIO_H

/* Asio by itself or, where that is not installed, as a part of Boost. */

#ifdef BENCH_HAVE_ASIO
# define ASIO_STANDALONE
# include <asio.hpp>
namespace net = asio;
using error_code = asio::error_code;
#else
# include <boost/asio.hpp>
namespace net = boost::asio;
using error_code = boost::system::error_code;
#endif
using tcp = net::ip::tcp;

#include "bench/others.h"

/* All loops are of one thread; others may only post. */
constexpr int LOOP_HINT = 1;

inline void
check(const error_code &error, const char *what)
{
	if (error)
		die(what, -error.value());
}

#endif
