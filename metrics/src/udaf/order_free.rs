//! What all aggregates of this crate have in common.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use estimand_stats::suffstat;

use super::one_group::OneGroup;

/// Values that an aggregate refuses, found while the query ran.
///
/// Comes inside [`DataFusionError::External`], so that whoever knows the column can name it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{aggregate}: {reason}")]
pub struct Refusal {
    /// Name of the aggregate.
    pub aggregate: &'static str,
    /// What was met.
    pub reason: suffstat::Error,
}

/// The state of all groups of an aggregate.
pub(super) type Groups = Box<dyn GroupsAccumulator + Sync>;

/// An aggregate whose result depends on the rows alone, not on their order or partition.
pub(super) trait OrderFree: Debug + Eq + Hash + Send + Sync + 'static {
    /// Name in SQL.
    const NAME: &'static str;

    /// Whether a group without rows gives null.
    const NULLABLE: bool = true;

    /// The types that arguments are cast to before they reach the accumulator.
    fn coerce(arguments: &[DataType]) -> Result<Vec<DataType>>;

    /// Type of the result.
    fn result() -> DataType;

    /// The columns of an intermediate state: name and type.
    fn state(arguments: &[DataType]) -> Vec<(&'static str, DataType)>;

    /// A state for all groups, before any row.
    fn groups(arguments: &Arguments) -> Result<Groups>;
}

/// The arguments of a call, as far as they are known before any row.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) types: Vec<DataType>,
    /// The text of each argument that is written as one.
    pub(super) texts: Vec<Option<String>>,
}

/// The type of a literal argument: it is spread over the rows of every batch, and as a dictionary that takes a byte a row.
pub(super) fn literal() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8))
}

/// Turns a refusal of `stats` into an error of the engine.
pub(super) fn refused(aggregate: &'static str) -> impl Fn(suffstat::Error) -> DataFusionError {
    move |reason| DataFusionError::External(Box::new(Refusal { aggregate, reason }))
}

/// Wraps an aggregate for the engine.
pub(super) fn udaf<A: OrderFree>() -> AggregateUDF {
    let signature = Signature::user_defined(Volatility::Immutable);
    AggregateUDF::from(Function::<A> { signature, aggregate: PhantomData })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function<A> {
    signature: Signature,
    aggregate: PhantomData<A>,
}

impl<A: OrderFree> Function<A> {
    fn arguments(args: &AccumulatorArgs) -> Result<Arguments> {
        if args.is_distinct {
            return plan_err!("{}: DISTINCT is not supported; aggregate distinct rows of a subquery", A::NAME);
        }
        let text = |expr: &Arc<dyn PhysicalExpr>| {
            let literal = expr.downcast_ref::<Literal>()?;
            literal.value().try_as_str().flatten().map(str::to_owned)
        };
        Ok(Arguments {
            types: args.expr_fields.iter().map(|field| field.data_type().clone()).collect(),
            texts: args.exprs.iter().map(text).collect(),
        })
    }
}

impl<A: OrderFree> AggregateUDFImpl for Function<A> {
    fn name(&self) -> &str {
        A::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        A::coerce(arguments)
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(A::result())
    }

    fn is_nullable(&self) -> bool {
        A::NULLABLE
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        if A::NULLABLE { ScalarValue::try_from(data_type) } else { ScalarValue::new_zero(data_type) }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let arguments: Vec<DataType> = args.input_fields.iter().map(|field| field.data_type().clone()).collect();
        let column = |(name, data_type)| Arc::new(Field::new(format_state_name(args.name, name), data_type, true));
        Ok(A::state(&arguments).into_iter().map(column).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let arguments = Self::arguments(&args)?;
        Ok(Box::new(OneGroup::new(A::groups(&arguments)?, &arguments.types)))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(A::groups(&Self::arguments(&args)?)?)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }
}
