// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

/** The methods that learn embedding tables. */
public enum RowMethod {
    /** {@link RowAdagrad}. */
    ADAGRAD,
    /** {@link RowAdam}. */
    ADAM,
    /** {@link RowAdaFisher}. */
    ADAFISHER;

    /**
     * The method, beside an optimizer of the other layers.
     *
     * @param learningRate its own
     * @param optimizer the other layers'; AdaFisher takes its knobs if it is of that family, else its defaults
     */
    public RowOptimizer create(double learningRate, OptimizerSettings optimizer) {
        return switch (this) {
            case ADAGRAD -> new RowAdagrad(learningRate);
            case ADAM -> new RowAdam(learningRate);
            case ADAFISHER -> {
                boolean same = optimizer.has(AdaFisher.NORMALISATION);
                yield new RowAdaFisher(learningRate, same ? optimizer : OptimizerSettings.defaults("adafisher"));
            }
        };
    }
}
