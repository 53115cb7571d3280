// SPDX-License-Identifier: Apache-2.0
/**
 * A job seen from outside: its scores, versions and dead letters on Kafka, Flink's REST interface, and the oracle that
 * learns the same stream without Flink. Nothing here runs inside a job.
 */
package io.kronstream.jobs.observer;
