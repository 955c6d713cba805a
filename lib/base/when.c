#include "base/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Exactly n digits at *at, which moves behind them; -1. */
static int digits(const char **at, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)**at))
			return -1;
		value = value * 10 + *(*at)++ - '0';
	}
	return value;
}

static bool taken(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static bool parse_date(const char **at, struct tm *tm)
{
	int year = digits(at, 4);
	int month = taken(at, '-') ? digits(at, 2) : -1;
	int day = taken(at, '-') ? digits(at, 2) : -1;

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

static bool parse_clock(const char **at, struct tm *tm, uint64_t *ms)
{
	int hour = digits(at, 2);
	int minute = taken(at, ':') ? digits(at, 2) : -1;
	int second = 0;
	unsigned int unit = 100;

	if (taken(at, ':'))
		second = digits(at, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	if (taken(at, '.')) {
		if (!isdigit((unsigned char)**at))
			return false;
		for (; isdigit((unsigned char)**at); (*at)++, unit /= 10)
			*ms += (uint64_t)(**at - '0') * unit;
	}
	tm->tm_hour = hour;
	tm->tm_min = minute;
	tm->tm_sec = second;
	return true;
}

/* Seconds east of UTC. A plus sign that a client did not escape arrives as a blank. */
static bool parse_offset(const char **at, int *seconds)
{
	int sign = **at == '-' ? -1 : 1;
	int hours, minutes;

	*seconds = 0;
	if (taken(at, 'Z'))
		return true;
	if (!taken(at, '+') && !taken(at, '-') && !taken(at, ' '))
		return false;
	hours = digits(at, 2);
	taken(at, ':');
	minutes = digits(at, 2);
	if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

int when_parse(const char *text, uint64_t *wall_ms)
{
	struct tm tm = { 0 };
	uint64_t ms = 0;
	int offset = 0;
	int64_t seconds;

	if (!parse_date(&text, &tm))
		return -EINVAL;
	if (taken(&text, 'T') && (!parse_clock(&text, &tm, &ms) || !parse_offset(&text, &offset)))
		return -EINVAL;
	seconds = (int64_t)timegm(&tm) - offset;
	if (*text || seconds < 0)
		return -EINVAL;
	*wall_ms = (uint64_t)seconds * 1000 + ms;
	return 0;
}

const char *when_text(char text[WHEN_TEXT], uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, WHEN_TEXT - 6, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, WHEN_TEXT - n, ".%03uZ", (unsigned int)(wall_ms % 1000));
	return text;
}
