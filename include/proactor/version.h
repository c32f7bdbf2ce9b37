/* SPDX-License-Identifier: ISC */
/* The version, written here once: configure.ac and the pages read it. */
#ifndef PROACTOR_VERSION_H
#define PROACTOR_VERSION_H

#include <proactor/api.h>

#define PROACTOR_VERSION_MAJOR	0
#define PROACTOR_VERSION_MINOR	1
#define PROACTOR_VERSION_MICRO	0

#define PROACTOR_VERSION	"0.1.0"

/* Two decimal digits for minor, two for micro: comparable with < and >. */
#define PROACTOR_VERSION_NUMBER						\
	(PROACTOR_VERSION_MAJOR * 10000 + PROACTOR_VERSION_MINOR * 100 +	\
	PROACTOR_VERSION_MICRO)

#ifdef __cplusplus
extern "C" {
#endif

/* The library that runs, which may be newer than the header compiled with. */
PROACTOR_API const char *proactor_version(void);
PROACTOR_API unsigned int proactor_version_number(void);

#ifdef __cplusplus
}
#endif

#endif
