#pragma once

/*
 * DOC: the compiler's intrinsics, as far as DPDK's headers need them
 *
 * rte_mbuf.h opens <x86intrin.h>, and gcc's declares every extension that a processor may have:
 * 64,000 lines, more than all else that a file of the data plane opens. Of these DPDK's headers use
 * SSE 4.2, and AVX only where the compiler was told that it may. Who builds for a processor with
 * AVX (-march=native) gets all.
 *
 * This folder is on the include path of what uses DPDK (meson.build) and nothing else lies in it.
 */
#ifdef __AVX__
#include_next <x86intrin.h>
#else
#include <nmmintrin.h>
#endif
