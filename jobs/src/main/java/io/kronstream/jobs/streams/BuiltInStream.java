// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.streams;

import io.kronstream.learner.DataSchema;
import java.util.Iterator;

/** A generated stream of CSV lines for binary classification. */
public interface BuiltInStream {

    /** Name on the command line. */
    String name();

    /** What the columns of a line mean. */
    DataSchema schema();

    /** Accuracy of the rule that made the labels: nobody can do better, since the rest of them is flipped at random. */
    double bestAccuracy();

    /** Endless lines without a header, a function of the seed alone. */
    Iterator<String> rows(long seed);
}
