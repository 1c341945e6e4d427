package main

import "log/slog"

// logFlags say what a server logs, to standard error.
type logFlags struct {
	LogLevel  string `help:"What to log: debug, info, warn or error." enum:"debug,info,warn,error" default:"${log_level}"`
	LogFormat string `help:"As lines of text, or as JSON." enum:"text,json" default:"${log_format}"`
}

// logger logs as the flags say. Time stamps are the machine's.
func (f logFlags) logger(std streams) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		panic(err) // the parser knows the words
	}
	options := &slog.HandlerOptions{Level: level}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(std.err, options))
	}
	return slog.New(slog.NewTextHandler(std.err, options))
}
