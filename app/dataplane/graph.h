#pragma once
/*
 * The packet path as DOT, made from its source by graph.py when we are built.
 */
extern const char graph_dot[];
