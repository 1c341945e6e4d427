// Package storetest is the suite that every database engine must pass, and a
// store that shows up transactions which cannot bear to run twice.
package storetest
