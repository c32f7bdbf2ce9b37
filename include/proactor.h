/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_H
#define PROACTOR_H

#include <proactor/version.h>
#include <proactor/error.h>
#include <proactor/handle.h>
#include <proactor/clock.h>
#include <proactor/operation.h>
#include <proactor/core.h>
#include <proactor/timer.h>
#include <proactor/event.h>
#include <proactor/notification.h>
#include <proactor/poll.h>
#include <proactor/relay.h>
#include <proactor/address.h>
#include <proactor/semaphore.h>
#include <proactor/socket.h>
#include <proactor/file.h>
#include <proactor/futex.h>
#include <proactor/message.h>
#include <proactor/signal.h>
#include <proactor/op_pool.h>
#include <proactor/sequence.h>
#include <proactor/thread.h>
#include <proactor/affinity.h>
#include <proactor/pool.h>

#endif
