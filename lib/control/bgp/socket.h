#pragma once
/*
 * The Unix sockets of FRR's daemons.
 */

#define BGP_SOCKET_PATH 108

/* A connected stream socket that does not block; -errno. */
__attribute__((warn_unused_result)) int bgp_socket_open(const char path[BGP_SOCKET_PATH]);
