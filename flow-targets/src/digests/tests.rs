//! Tests of digests of columns.

use arrow::array::{
    BooleanArray, DictionaryArray, Int64Array, ListArray, NullArray, StringArray, StructArray,
};
use arrow::datatypes::{Field, Fields, Int32Type, Schema};

use super::*;

fn batch(column: ArrayRef) -> RecordBatch {
    let field = Field::new("x", column.data_type().clone(), true);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap()
}

fn digest(column: ArrayRef) -> Digest {
    of_batch(&batch(column)).get("x").unwrap()
}

fn columns() -> Vec<ArrayRef> {
    let texts = || StringArray::from(vec![Some("a"), None, Some(""), Some("bc"), Some("d")]);
    let numbers = || Int64Array::from(vec![Some(1), None, None, Some(4), Some(5)]);
    let lists = vec![
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
        Some(vec![Some(2)]),
        Some(vec![Some(3), Some(4)]),
    ];
    let fields: Fields =
        vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, true)].into();
    let nulls = vec![true, false, true, true, false].into();
    let columns: Vec<ArrayRef> = vec![Arc::new(numbers()), Arc::new(texts())];
    let keyed: DictionaryArray<Int32Type> = vec!["a", "b", "a", "a", "b"].into_iter().collect();
    vec![
        Arc::new(numbers()),
        Arc::new(texts()),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), None, Some(true)])),
        Arc::new(ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>(lists)),
        Arc::new(StructArray::try_new(fields, columns, Some(nulls)).unwrap()),
        Arc::new(keyed),
        Arc::new(NullArray::new(5)),
    ]
}

#[test]
fn the_digest_does_not_depend_on_where_batches_are_cut() {
    for column in columns() {
        let whole = batch(Arc::clone(&column));
        for cut in 0..=5 {
            let mut digests = Digests::new(whole.schema_ref());
            digests.add(&whole.slice(0, cut));
            digests.add(&whole.slice(cut, 5 - cut));
            let what = format!("{} cut at {cut}", column.data_type());
            assert_eq!(digests.finish().get("x"), Some(digest(Arc::clone(&column))), "{what}");
        }
    }
}

#[test]
fn every_row_and_the_number_of_rows_count() {
    for column in columns() {
        let all = digest(Arc::clone(&column));
        assert_ne!(all, digest(column.slice(0, 4)), "{}", column.data_type());
    }
}

#[test]
fn what_is_below_a_null_does_not_count() {
    let one = Int64Array::new(vec![1_i64, 2].into(), Some(vec![true, false].into()));
    let other = Int64Array::new(vec![1_i64, 9].into(), Some(vec![true, false].into()));
    assert_eq!(digest(Arc::new(one)), digest(Arc::new(other)));
    let zero = Int64Array::from(vec![Some(1), Some(0)]);
    assert_ne!(digest(Arc::new(zero)), digest(Arc::new(Int64Array::from(vec![Some(1), None]))));
}

#[test]
fn texts_with_the_same_bytes_and_other_lengths_differ() {
    let one = StringArray::from(vec!["ab", "c"]);
    let other = StringArray::from(vec!["a", "bc"]);
    assert_ne!(digest(Arc::new(one)), digest(Arc::new(other)));
}

#[test]
fn type_and_metadata_count_and_the_description_by_pandas_does_not() {
    let of = |field: Field, metadata: &[(&str, &str)]| {
        let pairs = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let schema = Schema::new_with_metadata(vec![field], pairs.collect::<HashMap<_, _>>());
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        of_batch(&RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap()).get("x").unwrap()
    };
    let field = |nullable| Field::new("x", DataType::Int64, nullable);
    let plain = of(field(true), &[]);
    assert_ne!(plain, of(field(false), &[]));
    assert_ne!(plain, of(field(true), &[("source", "a")]));
    assert_eq!(plain, of(field(true), &[(PANDAS, "{}")]));
}

#[test]
fn all_metadata_of_a_field_and_the_order_of_a_dictionary_count() {
    let of = |field: Field| {
        let values: DictionaryArray<Int32Type> = vec!["a", "b"].into_iter().collect();
        let column: ArrayRef = Arc::new(values);
        of_batch(&RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap())
            .get("x")
            .unwrap()
    };
    let texts = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let field = || Field::new("x", texts.clone(), true);
    let noted = |note: &str| {
        let pairs = [(PANDAS.to_owned(), note.to_owned())];
        field().with_metadata(pairs.into_iter().collect::<HashMap<_, _>>())
    };
    // Only the schema has a description by pandas.
    assert_ne!(of(noted("one")), of(noted("two")));
    assert_ne!(of(field()), of(field().with_dict_is_ordered(true)));
}

#[test]
fn a_name_of_several_columns_has_no_digest() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let field = |name| Field::new(name, DataType::Int64, true);
    let schema = Schema::new(vec![field("x"), field("y"), field("x")]);
    let columns = vec![Arc::clone(&column), Arc::clone(&column), column];
    let digests = of_batch(&RecordBatch::try_new(Arc::new(schema), columns).unwrap());
    assert_eq!(digests.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["y"]);
}

#[test]
fn the_shape_is_the_columns_in_their_order_and_the_number_of_rows() {
    let of = |names: &[&str], rows: i64, times: i64| {
        let column: ArrayRef = Arc::new((0..rows).map(|n| n * times).collect::<Int64Array>());
        let field = |name: &&str| Field::new(*name, DataType::Int64, true);
        let schema = Schema::new(names.iter().map(field).collect::<Vec<_>>());
        let columns = names.iter().map(|_| Arc::clone(&column)).collect();
        let batch = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
        let mut digests = Digests::new(batch.schema_ref());
        digests.add(&batch);
        digests.finish().shape().unwrap()
    };
    assert_eq!(of(&["x", "y"], 3, 1), of(&["x", "y"], 3, 2));
    assert_ne!(of(&["x", "y"], 3, 1), of(&["x", "y"], 2, 1));
    assert_ne!(of(&["x", "y"], 3, 1), of(&["y", "x"], 3, 1));
    assert_ne!(of(&["x", "y"], 3, 1), of(&["x"], 3, 1));
    let texts = batch(Arc::new(StringArray::from(vec!["1", "2", "3"])));
    assert_ne!(of(&["x"], 3, 1), shape(texts.schema_ref(), 3));
    // Some columns of a table do not have its shape.
    assert_eq!(of_batch(&texts).shape(), None);
}
