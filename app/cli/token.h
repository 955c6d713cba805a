#pragma once
/*
 * `vpngw token create NAME ROLE [EXPIRES]`: on the gateway's own machine, into its state directory.
 */
int token_command(char **words, int count);
