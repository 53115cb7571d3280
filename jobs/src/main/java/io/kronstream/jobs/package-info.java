// SPDX-License-Identifier: Apache-2.0
/**
 * The job as a whole: its settings, the files they are read from, the graph that is submitted to Flink. What runs
 * inside it lives in the modules below; what a user types lives in {@code cli}.
 */
package io.kronstream.jobs;
