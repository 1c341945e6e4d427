// Package backup copies a SQLite database while it is in use, goes on with every
// change within a fraction of a second, and restores it as it was at any moment in
// between.
//
// A backup is a directory with a run for each time that copying began. A run has
// numbered changes, each with the pages that commits have written since the one
// before, and bases, which have all pages:
//
//	20261126T115228.120Z/base-00000000.gbk
//	20261126T115228.120Z/change-00000001.gbk
//	20261126T115228.120Z/change-00000002.gbk
//
// A base with the number n is the database after change n. To restore is to write the
// pages of a base and of the changes after it into a file, up to the moment asked for.
//
// Changes are read from the write-ahead log (WAL). An open read transaction keeps
// writers from beginning the log anew before its pages were copied; when the log has
// grown, the copier brings it into the database and lets go for an instant in which
// it holds the write lock itself. Should the log have been begun anew nevertheless,
// its salts tell, and a new run begins.
//
// The package knows SQLite's files and nothing of what is in the tables.
package backup
